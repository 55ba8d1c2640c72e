import { CloudError } from '@nearcloud/protocol'
import { seededRandom, settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { TestRig } from './testing/index.ts'

const add = (id: string, text = '') => ({ op: 'add', collection: 'todos', id, data: { text } }) as const
const isHeld = (text: string) => text.includes('"held"')
const no = new CloudError('STORAGE_EXCEED_AUTHORITY', { errMsg: 'no', details: { file: 'f' } })

async function setUp() {
  const rig = new TestRig()
  let holds = true
  const ann = await rig.client({ isHeld: text => holds && isHeld(text) })
  const write = (id: string, text = '') => ann.sync.executor.commit({ writes: [add(id, text)] })
  const letGo = () => {
    holds = false
  }
  const stopHolding = () => {
    letGo()
    ann.sync.release()
  }
  const executed = () => rig.server.executed.length
  return { rig, ann, write, letGo, stopHolding, executed }
}

test('[PUSH-20] what is held is not sent, nor what was made after it, until it is released', async () => {
  const { rig, ann, write, stopHolding, executed } = await setUp()
  await write('1')
  await write('2', 'held')
  await write('3')
  await rig.pass(60_000)
  expect([executed(), ann.store.outbox.size]).toEqual([1, 2])
  ann.network.cut()
  await rig.pass(60_000)
  expect([executed(), ann.store.outbox.size]).toEqual([1, 2])
  stopHolding()
  await rig.pass()
  expect([executed(), ann.store.outbox.size]).toEqual([3, 0])
})

test('[CALL-7] a question does not wait for what is held, also when that is not durable yet', async () => {
  const { rig, ann, write } = await setUp()
  rig.server.call = () => 'heard'
  const resume = ann.medium.pause()
  const held = write('1', 'held')
  const answer = ann.sync.call('f', null)
  await settle()
  resume()
  await held
  await rig.pass()
  expect(await answer).toBe('heard')
  expect(await ann.sync.call('f', null)).toBe('heard')
})

test('[CALL-7] a question waits for what is held no more, also while nobody has told that', async () => {
  const { rig, ann, write, letGo, executed } = await setUp()
  rig.server.call = executed
  await write('1', 'held')
  await rig.pass()
  letGo()
  const answer = ann.sync.call('f', null)
  await rig.pass()
  ann.sync.release()
  await rig.pass()
  expect(await answer).toBe(1)
})

test('[PUSH-21] what is refused is rejected as by the server, and the numbers behind it are given again', async () => {
  const { rig, ann, write, executed } = await setUp()
  for (const id of ['1', '2', '3']) await write(id, id === '2' ? 'held' : '')
  await rig.pass()
  await ann.sync.refuse(isHeld, no)
  expect(ann.store.rejected).toMatchObject([
    { code: 'STORAGE_EXCEED_AUTHORITY', reason: 'no', details: { file: 'f' } },
  ])
  expect(ann.store.get('todos', '2')).toBeUndefined()
  await rig.pass()
  await write('4')
  await rig.pass()
  expect([executed(), ann.store.outbox.size]).toEqual([3, 0])
  expect(ann.namesOf('rejected', 'error')).toEqual(['rejected'])
})

test('[PUSH-21] with what is refused nothing waits any more: all is in step in the same moment', async () => {
  const { rig, ann, write } = await setUp()
  await write('1', 'held')
  let isSynced = false
  const synced = ann.sync.whenSynced().then(() => {
    isSynced = true
  })
  await rig.pass()
  expect(isSynced).toBe(false)
  await ann.sync.refuse(isHeld, no)
  await rig.pass()
  expect(isSynced).toBe(true)
  await synced
})

test('[PUSH-21] nothing is renumbered while the server may have heard of it', async () => {
  const { rig, ann, write, executed } = await setUp()
  rig.server.isSilent = true
  await write('1')
  await write('2', 'held')
  let isRefused = false
  const refused = ann.sync.refuse(isHeld, no).then(() => {
    isRefused = true
  })
  await rig.pass(1_000)
  expect([isRefused, ann.store.rejected.length]).toEqual([false, 0])
  rig.server.isSilent = false
  ann.network.cut()
  await expect(refused).rejects.toMatchObject({ code: 'OFFLINE' })
  await rig.pass(60_000)
  await ann.sync.refuse(isHeld, no)
  expect([executed(), ann.store.outbox.size, ann.store.rejected.length]).toEqual([1, 0, 1])
})

test('[PUSH-21] with nothing concerned it resolves at once, whatever is on its way; without a connection it is OFFLINE', async () => {
  const { rig, ann, write, executed } = await setUp()
  const sent = write('1')
  await Promise.all([ann.sync.refuse(isHeld, no), sent])
  await rig.pass()
  expect(executed()).toBe(1)
  ann.sync.goOffline()
  await write('2', 'held')
  await expect(ann.sync.refuse(isHeld, no)).rejects.toMatchObject({ code: 'OFFLINE' })
})

test('[PUSH-21] whatever is written, held, refused, released and cut off in whatever order, it ends with each write executed once or rejected', async () => {
  let rejected = 0
  for (let seed = 1; seed <= 25; seed++) {
    const dice = seededRandom(seed)
    const roll = (n: number) => dice(1)[0]! % n
    const rig = new TestRig(seed)
    const files = new Set(['f0', 'f1', 'f2'])
    const names = (file: string) => (text: string) => text.includes(`"${file}"`)
    const ann = await rig.client({ isHeld: text => [...files].some(file => names(file)(text)) })
    const refused = new Set<string>()
    let made = 0
    for (let step = 0; step < 40; step++) {
      const file = `f${roll(3)}`
      switch (roll(6)) {
        case 0:
          if (!refused.has(file)) files.add(file)
          break
        case 1:
          files.delete(file)
          ann.sync.release()
          break
        case 2:
          if (!files.has(file)) break
          void ann.sync.refuse(names(file), no).then(
            () => {
              files.delete(file)
              refused.add(file)
              ann.sync.release()
            },
            () => undefined,
          )
          break
        case 3:
          if (roll(3) === 0) ann.network.cut()
          await rig.pass(roll(2) * 500)
          break
        default:
          await ann.sync.executor.commit({ writes: [add(`${seed}-${made++}`, roll(2) ? `f${roll(3)}` : '')] })
      }
    }
    files.clear()
    ann.sync.release()
    await rig.pass(120_000)
    expect(ann.store.outbox.size).toBe(0)
    expect(new Set(rig.server.executed.map(({ mutation }) => mutation.writes[0]!.id)).size).toBe(
      rig.server.executed.length,
    )
    expect(rig.server.executed.length + ann.store.rejected.length).toBe(made)
    expect(ann.namesOf('error')).toEqual([])
    rejected += ann.store.rejected.length
  }
  expect(rejected).toBeGreaterThan(20)
})
