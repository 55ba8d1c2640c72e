import { CloudError, type Write } from '@nearcloud/protocol'
import { expect, onTestFinished, test } from 'vitest'
import type { Functions, Invocation } from '../functions/functions.ts'
import type { FunctionCode } from '../functions/warm-function.ts'
import type { LogLine } from '../log-line.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { pruneTo } from '../testing/prune-to.ts'
import { admin, openWorld, type World } from '../testing/scenario.ts'
import { openTriggers, type Triggers } from './triggers.ts'

const onOrders = { name: 'onOrder', type: 'database', config: { collection: 'orders' } }

interface Opened {
  readonly world: World
  readonly triggers: Triggers
  readonly lines: LogLine[]
  /** Ids of the documents the function was run for, failed tries too. */
  readonly brought: unknown[]
  readonly invocations: Invocation[]
  commit(...writes: Write[]): Promise<void>
  /** Lets time pass until `isIt` is true. */
  until(isIt: () => boolean): Promise<void>
}

interface Story {
  readonly engine?: MemoryEngine
  readonly declared?: readonly unknown[]
  /** The function. */
  run?(invocation: Invocation): Promise<void>
}

async function open({ engine, declared = [onOrders], run = async () => {} }: Story = {}): Promise<Opened> {
  const world = openWorld(engine)
  const lines: LogLine[] = []
  const brought: unknown[] = []
  const invocations: Invocation[] = []
  const functions: Functions = {
    list: () => [codeWith(declared)],
    async invoke(invocation) {
      invocations.push(invocation)
      brought.push((invocation.data as { data: { docId: string } }).data.docId)
      await run(invocation)
      return null
    },
    async close() {},
  }
  const triggers = openTriggers({
    environment: world.environment,
    functions,
    log: line => lines.push(line),
    clock: world.clock,
    random: size => new Uint8Array(size).fill(255),
  })
  onTestFinished(async () => {
    const closing = triggers.close()
    world.clock.advance(2_000)
    await closing
  })
  await triggers.ready
  return {
    world,
    triggers,
    lines,
    brought,
    invocations,
    async commit(...writes) {
      const { outcome } = await world.environment.commit({ actor: admin, writes })
      expect(outcome.status).toBe('accepted')
    },
    async until(isIt) {
      for (let turns = 0; !isIt(); turns++) {
        expect(turns).toBeLessThan(1_000)
        await new Promise(setImmediate)
        if (turns % 10 === 9) world.clock.advance(1_000)
      }
    },
  }
}

function codeWith(triggers: readonly unknown[]): FunctionCode {
  return {
    folder: {
      name: 'greet',
      path: '/f/greet',
      entry: '/f/greet/index.js',
      ownPackage: false,
      fingerprint: '',
    },
    config: { timeLimitMs: 3_000, memoryMb: 256, variables: {}, offline: false, triggers },
  }
}

const add = (id: string, collection = 'orders'): Write => ({ op: 'add', collection, id, data: { n: 1 } })

test('[TRIGGER-1] a change is brought after its commit, and the writer does not wait for it', async () => {
  const opened = await open({ run: () => new Promise(() => {}) })
  await opened.commit(add('o1'))
  await opened.commit(add('o2'))
  await opened.until(() => opened.brought.length === 1)
  expect(opened.brought).toEqual(['o1'])
  expect(opened.invocations[0]).toMatchObject({ name: 'greet', source: 'wx_trigger' })
  const closing = opened.triggers.close()
  opened.world.clock.advance(2_000)
  await closing
})

test('[TRIGGER-2] changes are begun in the order of the commits, and of other collections none', async () => {
  const opened = await open()
  await opened.commit(add('o1'), add('x', 'other'), add('o2'))
  await opened.commit(add('y', 'other'))
  await opened.commit(add('o3'))
  await opened.until(() => opened.brought.length === 3)
  expect(opened.brought).toEqual(['o1', 'o2', 'o3'])
})

test('[TRIGGER-2] only the events that were asked for are brought', async () => {
  const declared = [{ ...onOrders, config: { collection: 'orders', events: ['set', 'remove'] } }]
  const opened = await open({ declared })
  await opened.commit(add('o1'))
  await opened.commit({ op: 'update', collection: 'orders', id: 'o1', changes: [['n', 'set', 2]] })
  await opened.commit({ op: 'set', collection: 'orders', id: 'o1', data: { n: 3 } })
  await opened.commit({ op: 'remove', collection: 'orders', id: 'o1' })
  await opened.until(() => opened.brought.length === 2)
  const kinds = opened.invocations.map(({ data }) => (data as { type: string }).type)
  expect(kinds).toEqual(['com.tcb.database.update', 'com.tcb.database.delete'])
})

test('[TRIGGER-3] a new trigger begins with what is committed after it was started', async () => {
  const engine = new MemoryEngine()
  await openWorld(engine).environment.commit({ actor: admin, writes: [add('before')] })
  const opened = await open({ engine })
  await opened.commit(add('after'))
  await opened.until(() => opened.brought.length === 1)
  expect(opened.brought).toEqual(['after'])
})

test('[TRIGGER-4] what was committed while nothing ran is brought after the start, what was done is not', async () => {
  const engine = new MemoryEngine()
  const first = await open({ engine })
  await first.commit(add('o1'), add('o2'))
  await first.until(() => first.brought.length === 2)
  await first.triggers.close()
  await first.commit(add('o3'))
  const second = await open({ engine })
  await second.until(() => second.brought.length === 1)
  expect(second.brought).toEqual(['o3'])
})

test('[TRIGGER-4] an event whose function was cut short is brought again, with the same id', async () => {
  const engine = new MemoryEngine()
  const first = await open({ engine, run: () => new Promise(() => {}) })
  await first.commit(add('o1'), add('o2'))
  await first.until(() => first.brought.length === 2)
  const closing = first.triggers.close()
  first.world.clock.advance(2_000)
  await closing
  const second = await open({ engine })
  await second.until(() => second.brought.length === 2)
  expect(second.brought).toEqual(['o1', 'o2'])
  const idsOf = ({ invocations }: Opened) => invocations.map(({ data }) => (data as { id: string }).id)
  expect(idsOf(second)).toEqual(idsOf(first))
})

test('[TRIGGER-5] a failing event is tried five times, ever later, then it is a durable dead letter; others do not wait', async () => {
  const engine = new MemoryEngine()
  const times: number[] = []
  const opened = await open({
    engine,
    async run({ data }) {
      times.push(opened.world.clock.now())
      if ((data as { data: { docId: string } }).data.docId === 'poison')
        throw new CloudError('FUNCTIONS_EXECUTE_FAIL', { errMsg: 'no' })
    },
  })
  await opened.commit(add('poison'))
  await opened.commit(add('o2'))
  await opened.until(() => opened.brought.length === 6)
  expect(opened.brought).toEqual(['poison', 'o2', 'poison', 'poison', 'poison', 'poison'])
  const waits = opened.lines.filter(({ event }) => event === 'trigger.retry').map(({ message }) => message)
  expect(waits.map(words => Number(/in (\d+) ms/.exec(words)?.[1]))).toEqual([500, 1_000, 2_000, 4_000])
  expect(times.every((time, i) => i < 2 || time > times[i - 1]!)).toBe(true)
  await opened.triggers.close()

  const again = await open({ engine })
  await again.commit(add('o3'))
  await again.until(() => again.brought.length === 1)
  expect(again.brought).toEqual(['o3'])
  const [letter, ...others] = await again.triggers.deadLetters()
  expect(others).toEqual([])
  expect(letter).toMatchObject({ function: 'greet', trigger: 'onOrder', error: { errMsg: 'no' }, tries: 5 })
  expect(JSON.parse(letter!.event)).toMatchObject({ id: letter!.id, data: { docId: 'poison' } })
})

test('[TRIGGER-5] a server without room for calls uses up no tries', async () => {
  let refused = 0
  const opened = await open({
    async run() {
      if (refused++ < 8) throw new CloudError('EXCEED_REQUEST_LIMIT', { errMsg: 'full' })
    },
  })
  await opened.commit(add('o1'))
  await opened.until(() => opened.brought.length === 9)
  await opened.until(() => true)
  expect(await opened.triggers.deadLetters()).toEqual([])
})

test('[TRIGGER-6] a chain is stopped at 16 with a line in the log, and the trigger goes on', async () => {
  const opened = await open({
    async run({ actor, data }) {
      const { docId } = (data as { data: { docId: string } }).data
      if (docId === 'plain' || actor.kind !== 'function') return
      const deeper = { kind: 'function', name: 'greet', depth: actor.depth + 1 } as const
      await opened.world.environment.commit({
        actor: deeper,
        writes: [{ op: 'update', collection: 'orders', id: docId, changes: [['n', 'inc', 1]] }],
      })
    },
  })
  await opened.commit(add('loop'))
  await opened.until(() => opened.lines.length > 0)
  expect(opened.lines).toMatchObject([{ level: 'error', event: 'trigger.depth' }])
  expect(opened.brought.length).toBe(16)
  await opened.commit(add('plain'))
  await opened.until(() => opened.brought.length === 17)
  expect(opened.brought.at(-1)).toBe('plain')
})

test('[TRIGGER-7] a history that was pruned away is a named line, and the trigger goes on behind it', async () => {
  const engine = new MemoryEngine()
  const first = await open({ engine })
  await first.triggers.close()
  for (const id of ['o1', 'o2', 'o3']) await first.commit(add(id))
  await pruneTo(engine, 'test', { before: Number.POSITIVE_INFINITY, keep: 0 })
  const second = await open({ engine })
  await second.until(() => second.lines.length === 1)
  expect(second.lines[0]).toMatchObject({ level: 'error', event: 'trigger.gap' })
  await second.commit(add('o4'))
  await second.until(() => second.brought.length > 0)
  expect(second.brought).toEqual(['o4'])
})
