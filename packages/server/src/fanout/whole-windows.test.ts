import type { DownOf, Write } from '@nearcloud/protocol'
import { queryToJson } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { nextTurn } from '../engine/turn.ts'
import { type LocalHouse, openHouse, tokenOf } from '../testing/local-house.ts'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { clientId, queryOf, type RawClient } from '../testing/raw-client.ts'
import { admin } from '../testing/scenario.ts'

/** A door in the way of what reads or stores. */
class Gate {
  open = () => {}
  #opened: Promise<void> = Promise.resolve()

  get opened(): Promise<void> {
    return this.#opened
  }

  close(): void {
    this.#opened = new Promise(resolve => {
      this.open = resolve
    })
  }
}

/** Looking up waits before it reads and before it says what it read, and what is stored already waits to be said so. */
class GatedEngine extends MemoryEngine {
  readonly lookups = new Gate()
  readonly found = new Gate()
  readonly stored = new Gate()

  override async *scan(...asked: Parameters<MemoryEngine['scan']>) {
    await this.lookups.opened
    for await (const page of super.scan(...asked)) {
      await this.found.opened
      yield page
    }
  }

  override async commit(...asked: Parameters<MemoryEngine['commit']>) {
    await super.commit(...asked)
    await this.stored.opened
  }
}

const first = queryOf({ orderBy: [['n', 'asc']], limit: 2 })
const add = (collection: string, id: string, n: number): Write => ({
  op: 'add',
  collection,
  id,
  data: { n, public: true },
})

const remove = (id: string): Write => ({ op: 'remove', collection: 'todos', id })

/** Bob follows all notes, and the first two todos of three: when one leaves, what comes next has to be looked up. */
async function openDesk() {
  const engine = new GatedEngine()
  const house = await openHouse({ engine })
  const write = (...writes: Write[]) => house.environment.commit({ actor: admin, writes })
  for (const [n, id] of ['b', 'c', 'd', 'e', 'f'].entries()) await write(add('todos', id, n))
  const bob = house.connect()
  const welcome = await bob.hello({ client: clientId('bob'), token: tokenOf('bob') })
  bob.subscribe(1, queryOf({ collection: 'notes' }))
  return { engine, house, write, bob, welcome }
}

async function turns(count = 20): Promise<void> {
  for (let n = 0; n < count; n++) await nextTurn()
}

async function settled(client: RawClient): Promise<void> {
  client.send({ type: 'ping' })
  await client.next('pong')
}

const changesTo = ({ heard }: RawClient) =>
  heard.filter((message): message is DownOf<'changes'> => message.type === 'changes')

/** Both documents of the commit that lies across. */
const across = [add('notes', 'x', 0), add('todos', 'a', -1)]

test('[FAN-7] while a window looks up what comes next nothing else is told, and then all of it at once', async () => {
  const { engine, write, bob } = await openDesk()
  bob.subscribe(2, first)
  await settled(bob)
  const before = changesTo(bob).length
  engine.found.close()
  await write(...['b', 'c', 'd'].map(remove))
  await turns()
  await write(...across)
  await turns()
  expect(
    changesTo(bob)
      .slice(before)
      .flatMap(({ items }) => items.map(([collection]) => collection)),
  ).toEqual([])
  engine.found.open()
  await settled(bob)
  const told = changesTo(bob).slice(before)
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({ to: 7, windows: [[2, ['a', 'e']]] })
  expect(told[0]!.items.map(([collection, version]) => [collection, version])).toEqual(
    expect.arrayContaining([
      ['notes', 7],
      ['todos', 7],
    ]),
  )
})

test('[FAN-7] what a window found of a commit that is told to nobody yet is told with that commit', async () => {
  const { engine, write, bob } = await openDesk()
  bob.subscribe(2, first)
  await settled(bob)
  const before = changesTo(bob).length
  engine.lookups.close()
  await write(...['b', 'c', 'd'].map(remove))
  await turns()
  engine.stored.close()
  const written = write(...across)
  await turns()
  engine.lookups.open()
  await turns()
  expect(changesTo(bob)).toHaveLength(before)
  engine.stored.open()
  await written
  await settled(bob)
  const told = changesTo(bob).slice(before)
  expect(told).toHaveLength(1)
  expect(told[0]).toMatchObject({ to: 7, windows: [[2, ['a', 'e']]] })
  expect(told[0]!.items).toContainEqual(['notes', 7, { _id: 'x', n: 0, public: true }])
})

test('[FAN-13] the first contents of a window are of the version at which they are told', async () => {
  const { engine, write, bob } = await openDesk()
  await bob.next('snapshot')
  engine.found.close()
  bob.subscribe(2, first)
  await turns()
  await write(...across)
  await turns()
  engine.found.open()
  const snapshot = await bob.next('snapshot')
  expect(snapshot).toMatchObject({ version: 6, window: ['a', 'b'] })
  expect(changesTo(bob).at(-1)).toMatchObject({ to: 6, items: [['notes', 6, { _id: 'x' }]] })
  await settled(bob)
  expect(changesTo(bob).flatMap(({ windows = [] }) => windows)).toEqual([])
})

async function comeBack(
  house: LocalHouse,
  { epoch, viewKey, version }: DownOf<'welcome'>,
  ids: readonly number[],
) {
  const again = house.connect()
  await again.hello({
    client: clientId('bob'),
    token: tokenOf('bob'),
    epoch,
    viewKey,
    version,
    subscriptions: ids.map(id => ({
      id,
      query: queryToJson(id === 2 ? first : queryOf({ collection: 'notes' })),
      complete: id < 3,
    })),
  })
  return again
}

test('[RESUME-3] what changed and a window are told as of one version, what the client has before what is new to it', async () => {
  const { house, write, bob, welcome } = await openDesk()
  await settled(bob)
  bob.close()
  await write(...across)
  const again = await comeBack(house, welcome, [3, 1, 2])
  expect(await again.next('changes')).toMatchObject({ to: 6, items: [['notes', 6, { _id: 'x' }]] })
  expect(await again.next('snapshot')).toMatchObject({ id: 2, version: 6, window: ['a', 'b'] })
  expect(await again.next('snapshot')).toMatchObject({ id: 3 })
})

test('[FAN-12] a window too large for a frame comes in parts, and its ids with the last of them', async () => {
  const { write, bob } = await openDesk()
  const data = { n: 0, public: true, text: 'x'.repeat(200_000) }
  for (let n = 0; n < 45; n++) await write({ op: 'add', collection: 'todos', id: `t${n}`, data })
  bob.subscribe(2, queryOf({ where: ['field', 'text', ['exists', true]], limit: 50 }))
  await bob.next('snapshot')
  const parts: DownOf<'snapshot'>[] = []
  do parts.push(await bob.next('snapshot'))
  while (!parts.at(-1)!.last)
  expect(parts.map(({ done }) => done)).toEqual(Array.from({ length: 45 }, (_, n) => n + 1))
  expect(parts.every(({ total }) => total === 45)).toBe(true)
  expect(parts.flatMap(({ window }) => window?.length ?? [])).toEqual([45])
})
