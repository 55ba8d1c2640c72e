import { CloudError } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import type { Functions } from '../functions/functions.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { admin, openWorld } from '../testing/scenario.ts'
import { openTriggers, type Triggers } from './triggers.ts'

/** An engine whose machine loses power at one of the steps a trigger takes. */
class FragileEngine extends MemoryEngine {
  /** Steps until it happens. */
  fuse = Number.POSITIVE_INFINITY

  get isDead(): boolean {
    return this.fuse <= 0
  }

  step(): void {
    if (--this.fuse <= 0) throw new Error('the power is gone')
  }

  override async readState(env: string, key: string) {
    this.step()
    return super.readState(env, key)
  }

  override async writeState(env: string, key: string, value: string | null) {
    this.step()
    return super.writeState(env, key, value)
  }

  override beforeCommit = () => this.step()

  override async log(env: string, after: number, limit: number) {
    this.step()
    return super.log(env, after, limit)
  }
}

interface Life {
  readonly triggers: Triggers
  /** Lets time pass until `isIt`; false when it never comes true. */
  until(isIt: () => boolean | Promise<boolean>): Promise<boolean>
  end(): Promise<void>
}

/** The server from a start to its end; documents that the function took are added to `taken`. */
function live(engine: FragileEngine, taken: string[]): Life {
  const { environment, clock } = openWorld(engine)
  const functions: Functions = {
    list: () => [
      {
        folder: { name: 'f', path: '/f', entry: '/f/index.js', ownPackage: false, fingerprint: '' },
        config: {
          timeLimitMs: 3_000,
          memoryMb: 256,
          variables: {},
          offline: false,
          triggers: [{ name: 't', type: 'database', config: { collection: 'orders', concurrency: 1 } }],
        },
      },
    ],
    async invoke({ data }) {
      engine.step()
      const { docId } = (data as { data: { docId: string } }).data
      if (docId === 'poison') throw new CloudError('FUNCTIONS_EXECUTE_FAIL', { errMsg: 'no' })
      taken.push(docId)
      engine.step()
      return null
    },
    async close() {},
  }
  const random = (size: number) => new Uint8Array(size)
  const triggers = openTriggers({ environment, functions, log: () => {}, clock, random })
  return {
    triggers,
    async until(isIt) {
      for (let turns = 0; turns < 400 && !(await isIt()); turns++) {
        await new Promise(setImmediate)
        if (turns % 10 === 9) clock.advance(5_000)
      }
      return isIt()
    },
    async end() {
      const closing = triggers.close()
      clock.advance(2_000)
      await closing
    },
  }
}

test('[TRIGGER-4] wherever the power goes, every change is brought, in order, and a dead letter is kept once', async () => {
  let survived = false
  for (let cut = 1; !survived; cut++) {
    const engine = new FragileEngine()
    const taken: string[] = []
    await live(engine, taken).end() // its place in the history is known
    const { environment } = openWorld(engine)
    const writes = ['a', 'poison', 'b', 'c'].map(
      id => ({ op: 'add', collection: 'orders', id, data: {} }) as const,
    )
    await environment.commit({ actor: admin, writes: writes.slice(0, 3) })
    await environment.commit({ actor: admin, writes: writes.slice(3) })

    engine.fuse = cut
    const first = live(engine, taken)
    const isDone = async ({ triggers }: Life) =>
      taken.includes('c') && (await triggers.deadLetters()).length > 0
    await first.until(async () => engine.isDead || (await isDone(first)))
    survived = !engine.isDead
    await first.end()
    engine.fuse = Number.POSITIVE_INFINITY
    const before = taken.length

    const second = live(engine, taken)
    if (!survived) expect(await second.until(() => isDone(second)), `cut at ${cut}`).toBe(true)
    await second.end()
    expect([...new Set(taken)], `cut at ${cut}`).toEqual(['a', 'b', 'c'])
    // Only what was under way is brought again.
    expect(taken.length - new Set(taken).size, `cut at ${cut}`).toBeLessThanOrEqual(1)
    expect(taken.slice(before), `cut at ${cut}`).toEqual([...taken.slice(before)].sort())
    const letters = await second.triggers.deadLetters()
    expect(
      letters.map(({ event }) => JSON.parse(event).data.docId),
      `cut at ${cut}`,
    ).toEqual(['poison'])
  }
})
