import { settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import type { OwnSync } from './sync.ts'
import { everyOne, type TestClient, TestRig } from './testing/index.ts'

const kinds = ['todos', 'notes'] as const
type Options = Parameters<TestRig['client']>[0] & { pageSize?: number; count?: number }

/** A client that follows two collections, and is offline. */
async function rigWith({ pageSize = 100, count = 30, ...options }: Options = {}) {
  const rig = new TestRig()
  for (const kind of kinds)
    for (let n = 0; n < count; n++) rig.server.put(kind, { _id: `${n}`, n: 0, text: '' })
  const ann = await rig.client(options)
  for (const kind of kinds) ann.sync.subscribe(everyOne(kind))
  await rig.pass(1_000)
  ann.sync.goOffline()
  await rig.pass()
  rig.server.viewKey = 'view-2'
  rig.server.pageSize = pageSize
  return { rig, ann }
}

/** As one commit would. */
const put = (rig: TestRig, id: string, n: number) => {
  for (const kind of kinds) rig.server.put(kind, { _id: id, n, text: '' })
}

async function back(rig: TestRig, ann: TestClient): Promise<void> {
  ann.sync.goOnline()
  for (let turn = 0; turn < 4; turn++) await rig.pass(1_000)
}

/** What both collections show of a document, each time a watch of one of them is told something. */
function watched(ann: TestClient, id: string): string[] {
  const seen: string[] = []
  const look = () => {
    const now = kinds.map(kind => String(ann.store.get(kind, id)?.n ?? '-')).join()
    if (seen.at(-1) !== now) seen.push(now)
  }
  for (const kind of kinds) ann.sync.executor.watch(everyOne(kind), { next: look, error: () => undefined })
  return seen
}

const here = ({ store }: TestClient) =>
  [...store.confirmedDocuments()].map(({ collection, document, version }) => [
    `${collection}/${document._id}`,
    version,
  ])
const there = (rig: TestRig) =>
  kinds.flatMap(kind =>
    rig.server.all(kind).map(({ _id }) => [`${kind}/${_id}`, rig.server.versionOf(kind, _id)]),
  )

test.each([
  ['compared', { compareFrom: 1 }],
  ['fetched anew', { compareFrom: Number.POSITIVE_INFINITY }],
  ['read in pieces', { compareFrom: 1, pieceCharacters: 100 }],
])(
  '[CROSS-1] of a commit over two collections nobody sees one half, when both are %s',
  async (_, options) => {
    const { rig, ann } = await rigWith({ ...options, pageSize: 7 })
    put(rig, '3', 1)
    put(rig, 'new', 1)
    for (const kind of kinds) rig.server.remove(kind, '4')
    const seen = ['3', '4', 'new'].map(id => watched(ann, id))
    const arriving: number[] = []
    ann.sync.on('progress', () => arriving.push(ann.sync.arriving.length))
    await back(rig, ann)
    expect(seen).toEqual([
      ['0,0', '1,1'],
      ['0,0', '-,-'],
      ['-,-', '1,1'],
    ])
    // until all of both had come neither was said to be whole
    expect(new Set(arriving)).toEqual(new Set([2]))
    expect(ann.sync.arriving).toEqual([])
    expect(here(ann).sort()).toEqual(there(rig).sort())
    expect(rig.server.violations).toEqual([])
  },
)

test('[CROSS-1] what changes while one of two is compared waits for the other', async () => {
  const { rig, ann } = await rigWith({ pageSize: 5 })
  for (let n = 0; n < 20; n++) put(rig, `${n}`, 1)
  const seen = watched(ann, '7')
  let parts = 0
  ann.network.fate = (frame, direction) => {
    // one is compared by then, and in this conversation a patch may follow
    if (direction === 'down' && frame.includes('"snapshot"') && ++parts === 6) {
      put(rig, '7', 2)
      for (const kind of kinds) rig.server.remove(kind, '8')
    }
    return 'deliver'
  }
  await back(rig, ann)
  expect(parts).toBeGreaterThan(6)
  expect(seen.slice(0, 2)).toEqual(['0,0', '2,2'])
  expect(here(ann).sort()).toEqual(there(rig).sort())
})

test('[CROSS-1] a window is brought anew with the rest', async () => {
  const { rig, ann } = await rigWith()
  const first = everyOne('notes', ['and', []], { orderBy: [['n', 'desc']], limit: 2 })
  ann.sync.subscribe(first)
  await back(rig, ann)
  ann.sync.goOffline()
  await rig.pass()
  rig.server.viewKey = 'view-3'
  put(rig, '5', 9)
  const seen = watched(ann, '5')
  await back(rig, ann)
  expect(seen).toEqual(['0,0', '9,9'])
  const { documents } = await ann.sync.executor.run({ verb: 'get', query: first })
  expect(documents[0]).toMatchObject({ _id: '5' })
})

/** The last two of the notes, and all todos. */
const latest = everyOne('notes', ['and', []], { orderBy: [['n', 'desc']], limit: 2 })

async function rigWithWindow(options: Options = {}) {
  const rig = new TestRig()
  for (const kind of kinds) for (let n = 0; n < 30; n++) rig.server.put(kind, { _id: `${n}`, n, text: '' })
  const ann = await rig.client(options)
  ann.sync.subscribe(everyOne('todos'))
  ann.sync.subscribe(latest)
  await rig.pass(1_000)
  return { rig, ann }
}

/** What the todos and the window show of a document, each time a watch of one of them is told something. */
function watchedAcross(ann: TestClient, id: string): string[] {
  const seen: string[] = []
  const look = () => {
    const window = [...ann.store.subscriptions.values()].flatMap(each => each.window ?? [])
    const shown = window.includes(id) ? ann.store.get('notes', id)?.n : '-'
    const now = `${ann.store.get('todos', id)?.n ?? '-'},${shown}`
    if (seen.at(-1) !== now) seen.push(now)
  }
  for (const query of [everyOne('todos'), latest])
    ann.sync.executor.watch(query, { next: look, error: () => undefined })
  return seen
}

test.each([
  ['little', 0],
  ['more than is kept apart', 600_000],
])(
  '[CROSS-1] who comes back sees what changed, be it %s, and what a window has in one step',
  async (_, size) => {
    const { rig, ann } = await rigWithWindow()
    const seen = watchedAcross(ann, 'new')
    await rig.pass()
    ann.sync.goOffline()
    await rig.pass()
    const text = 'x'.repeat(size)
    for (let n = 0; n < 15; n++) rig.server.put('todos', { _id: `${n}`, n, text })
    put(rig, 'new', 99)
    await back(rig, ann)
    expect(seen).toEqual(['-,-', '99,99'])
    expect(ann.sync.arriving).toEqual([])
    expect(rig.server.violations).toEqual([])
  },
)

test('[CROSS-1] a window that is brought anew because a copy differs is shown with what changed meanwhile', async () => {
  const { rig, ann } = await rigWithWindow({ checkMs: 1_000 })
  ann.sync.subscribe(everyOne('notes'))
  await rig.pass(100)
  const seen = watchedAcross(ann, 'new')
  await rig.pass()
  await ann.store.confirm({ gone: [{ collection: 'notes', version: 999, id: '3' }] })
  let isPut = false
  ann.network.fate = frame => {
    if (frame.includes('"type":"unsubscribe"') && !isPut) {
      isPut = true
      put(rig, 'new', 99)
    }
    return 'deliver'
  }
  for (let turn = 0; turn < 12; turn++) await rig.pass(500)
  expect(isPut).toBe(true)
  expect(ann.namesOf('diverged')).toEqual(['diverged'])
  expect(seen).toEqual(['-,-', '99,99'])
  expect(ann.store.get('notes', '3')?.n).toBe(3)
})

test('[CROSS-2] own writes are shown at once, are accepted with what they did, and refused at once', async () => {
  const { rig, ann } = await rigWith({ pageSize: 3 })
  for (let n = 0; n < 20; n++) put(rig, `${n}`, 1)
  const both = (n: number) => kinds.map(collection => ({ collection, id: '25', n }))
  const write = (n: number) =>
    ann.sync.executor.commit({
      writes: both(n).map(({ collection, id }) => ({
        op: 'update' as const,
        collection,
        id,
        changes: [['n', 'inc', n] as const],
      })),
    })
  rig.server.judge = ({ op, ...rest }) =>
    op === 'update' && JSON.stringify(rest).includes('100') ? 'too much' : undefined
  const seen = watched(ann, '25')
  const accepted: string[] = []
  ann.sync.on('accepted', () => accepted.push(String(ann.store.get('todos', '3')?.n)))
  let parts = 0
  ann.network.fate = (frame, direction) => {
    if (direction === 'down' && frame.includes('"snapshot"') && ++parts === 4) {
      void write(5)
      void write(100)
    }
    return 'deliver'
  }
  await back(rig, ann)
  expect(parts).toBeGreaterThan(8)
  expect(seen).toEqual(['0,0', '105,105', '5,5'])
  expect(ann.namesOf('rejected').length).toBe(1)
  expect(accepted).toEqual(['1'])
  expect(kinds.map(kind => rig.server.get(kind, '25')?.n)).toEqual([5, 5])
  expect(ann.store.outbox.size).toBe(0)
  expect(here(ann).sort()).toEqual(there(rig).sort())
})

test('[CROSS-2] who waits until everything is here waits for the step', async () => {
  const { rig, ann } = await rigWith({ pageSize: 3 })
  for (let n = 0; n < 20; n++) put(rig, `${n}`, 1)
  let n: unknown
  ann.network.fate = (frame, direction) => {
    if (direction === 'down' && frame.includes('"snapshot"') && n === undefined) {
      n = 'asked'
      void (ann.sync as OwnSync).caughtUp().then(isHere => {
        n = `${isHere} ${ann.store.get('notes', '3')?.n} ${ann.store.get('todos', '3')?.n}`
      })
    }
    return 'deliver'
  }
  await back(rig, ann)
  expect(n).toBe('true 1 1')
})

test('[CROSS-3] a query that was never here is shown as it comes, and is complete with the rest', async () => {
  const { rig, ann } = await rigWith({ pageSize: 10, compareFrom: Number.POSITIVE_INFINITY })
  for (let n = 0; n < 30; n++) put(rig, `${n}`, 1)
  for (let n = 0; n < 30; n++) rig.server.put('files', { _id: `f${n}`, n: 1 })
  const followed = ann.sync.subscribe(everyOne('files'))
  let isReady = ''
  void followed.ready.then(() => {
    isReady = `${ann.store.get('todos', '1')?.n} ${ann.store.get('notes', '1')?.n}`
  })
  const came: string[] = []
  ann.sync.on('progress', ({ collection }) => {
    const { size } = new Set([...ann.store.confirmedDocuments('files')])
    if (collection === 'files') came.push(`${size} ${ann.store.get('todos', '1')?.n}`)
  })
  // theirs come last
  ann.network.fate = () => 'deliver'
  await back(rig, ann)
  expect(isReady).toBe('1 1')
  expect(came.length).toBe(3)
  expect([...ann.store.confirmedDocuments('files')].length).toBe(30)
  expect(ann.sync.arriving).toEqual([])
})

test('[CROSS-3] of what others show nothing is shown before, though a new query brings it', async () => {
  const { rig, ann } = await rigWith({ pageSize: 5, compareFrom: 1 })
  for (let n = 0; n < 30; n++) put(rig, `${n}`, 1)
  const seen = watched(ann, '2')
  const mine = everyOne('todos', ['field', 'n', ['eq', 1]])
  ann.sync.subscribe(mine)
  await back(rig, ann)
  expect(seen).toEqual(['0,0', '1,1'])
  expect((await ann.sync.executor.run({ verb: 'get', query: mine })).documents.length).toBe(30)
})

test('[CROSS-3] a query that was here without a document is shown with the rest', async () => {
  const { rig, ann } = await rigWith({ pageSize: 5, compareFrom: 1 })
  ann.sync.goOnline()
  rig.server.mayRead = (_, collection) => collection !== 'notes'
  rig.server.viewKey = 'view-hidden'
  await rig.pass(1_000)
  expect(here(ann).length).toBe(30)
  ann.sync.goOffline()
  await rig.pass()
  rig.server.mayRead = () => true
  rig.server.viewKey = 'view-open'
  for (let n = 0; n < 30; n++) put(rig, `${n}`, 1)
  const seen = watched(ann, '0')
  await back(rig, ann)
  expect(seen).toEqual(['0,-', '1,1'])
})

test('[CROSS-4] a conversation that ends before leaves what was here, and what came is not sent again', async () => {
  const { rig, ann } = await rigWith({ pageSize: 10, compareFrom: 1 })
  for (let n = 0; n < 30; n++) put(rig, `${n}`, 1)
  const seen = watched(ann, '2')
  let isCut = false
  let parts = 0
  let items = 0
  ann.network.fate = (frame, direction) => {
    if (frame.includes('"type":"hello"')) isCut = false
    if (direction !== 'down' || !frame.includes('"snapshot"')) return 'deliver'
    if (++parts === 5) isCut = true
    if (isCut) return 'drop'
    items += JSON.parse(frame).items.length
    return 'deliver'
  }
  ann.sync.goOnline()
  await rig.pass(1_000)
  expect([isCut, items]).toEqual([true, 40])
  expect(seen).toEqual(['0,0'])
  ann.network.cut()
  put(rig, '2', 2)
  for (let turn = 0; turn < 6; turn++) await rig.pass(2_000)
  expect(seen).toEqual(['0,0', '2,2'])
  // each once, and what became of one of them since
  expect(items).toBe(60 + 1)
  expect(here(ann).sort()).toEqual(there(rig).sort())
})

test('[CROSS-4] a process that dies before leaves what was here', async () => {
  const { rig, ann } = await rigWith({ pageSize: 10 })
  for (let n = 0; n < 30; n++) put(rig, `${n}`, 1)
  let parts = 0
  ann.network.fate = (frame, direction) =>
    direction === 'down' && frame.includes('"snapshot"') && ++parts > 4 ? 'drop' : 'deliver'
  ann.sync.goOnline()
  await rig.pass(1_000)
  await rig.pass(1_000)
  expect(parts).toBeGreaterThan(4)
  await ann.stop()
  const again = await rig.client({ medium: ann.medium, isStarted: false })
  const shown = (client: TestClient) =>
    new Set([...client.store.confirmedDocuments()].map(({ document }) => document.n))
  expect(shown(again)).toEqual(new Set([0]))
  for (const kind of kinds) again.sync.subscribe(everyOne(kind))
  again.sync.start()
  const seen = watched(again, '2')
  await back(rig, again)
  expect(seen).toEqual(['1,1'])
  expect(shown(again)).toEqual(new Set([1]))
})

test.each([
  [300_000, {}],
  [10_000, { pieceCharacters: 65_536 }],
])(
  '[CROSS-5] of more than can be kept apart each query is shown when it is complete: %i, %o',
  async (size, options) => {
    const { rig, ann } = await rigWith({ ...options, pageSize: 2 })
    const text = 'x'.repeat(size)
    for (const kind of kinds) for (let n = 0; n < 15; n++) rig.server.put(kind, { _id: `${n}`, n: 1, text })
    const seen = watched(ann, '3')
    await back(rig, ann)
    expect(seen).toEqual(['0,0', '1,0', '1,1'])
    expect(here(ann).sort()).toEqual(there(rig).sort())
  },
)

test('[CROSS-6] what is refused, or let go, is not waited for, and nothing of it stays', async () => {
  for (const isRefused of [true, false]) {
    const { rig, ann } = await rigWith({ pageSize: 5 })
    const other = ann.sync.subscribe(everyOne('more'))
    for (let n = 0; n < 40; n++) rig.server.put('more', { _id: `m${n}`, n: 0 })
    await back(rig, ann)
    expect(ann.sync.arriving).toEqual([])
    ann.sync.goOffline()
    await rig.pass()
    rig.server.viewKey = 'view-3'
    put(rig, '3', 1)
    for (let n = 0; n < 40; n++) rig.server.put('more', { _id: `m${n}`, n: 1 })
    if (isRefused)
      rig.server.mayFollow = ({ collection }) => (collection === 'more' ? 'not any more' : undefined)
    const seen = watched(ann, '3')
    let parts = 0
    ann.network.fate = (frame, direction) => {
      const isPart = direction === 'down' && frame.includes('"snapshot"') && frame.includes('"m')
      if (isPart && ++parts === 2) other.close()
      return isPart && parts >= 2 ? 'drop' : 'deliver'
    }
    await back(rig, ann)
    for (let turn = 0; turn < 70; turn++) await rig.pass(1_000)
    await settle()
    expect(seen).toEqual(['0,0', '1,1'])
    expect([...ann.store.confirmedDocuments('more')]).toEqual([])
    expect(ann.sync.arriving).toEqual([])
  }
})
