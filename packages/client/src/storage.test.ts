import { CloudError } from '@nearcloud/protocol'
import { openStore } from '@nearcloud/store'
import { TestRig } from '@nearcloud/sync/testing'
import { expect, test } from 'vitest'
import { createCloud, type HostStorage, type StorageDamage } from './index.ts'
import { MemoryPlatform, ScriptedFiles } from './testing/index.ts'

const endpoint = 'http://cloud.test'

function setUp(host: { state?: HostStorage; persists?: boolean } = {}) {
  const rig = new TestRig()
  let asked = 0
  const platform = Object.assign(new MemoryPlatform(rig, new ScriptedFiles().http), {
    ...(host.state && { storageState: async () => host.state! }),
    ...(host.persists !== undefined && {
      async persistStorage() {
        asked++
        return host.persists!
      },
    }),
  })
  return { rig, platform, asked: () => asked, open: () => createCloud(durable(platform)) }
}

/** Memory that says it stays. */
function durable(platform: MemoryPlatform): MemoryPlatform {
  const { storage } = platform
  platform.storage = name => {
    const made = storage.call(platform, name)
    const { open } = made
    made.open = async options => ({ ...(await open.call(made, options)), volatile: false })
    return made
  }
  return platform
}

test.each([
  [{ persisted: true, usageBytes: 10, quotaBytes: 1_000 }, 'none'],
  [{ persisted: false, usageBytes: 10, quotaBytes: 1_000 }, 'eviction'],
  [{ persisted: true, usageBytes: 901, quotaBytes: 1_000 }, 'full'],
  [{ persisted: false, usageBytes: 901, quotaBytes: 1_000 }, 'full'],
] as const)('[STORAGE-1] %o is a risk of %s', async (state, risk) => {
  const { open } = setUp({ state })
  const cloud = open()
  cloud.init({ endpoint })
  expect(await cloud.storage.health()).toEqual({
    ...state,
    risk,
    volatile: false,
    damage: undefined,
    pending: 0,
  })
  await cloud.close()
})

test('[STORAGE-1] a host that tells nothing, and one that keeps nothing', async () => {
  const { open, rig } = setUp()
  const cloud = open()
  await expect(cloud.storage.health()).rejects.toMatchObject({ code: 'NOT_INITIALIZED' })
  cloud.init({ endpoint })
  expect(await cloud.storage.health()).toMatchObject({ risk: 'none', persisted: undefined })
  expect(await cloud.storage.persist()).toBe(false)
  await cloud.close()
  const forgetful = createCloud(new MemoryPlatform(rig, new ScriptedFiles().http))
  forgetful.init({ endpoint })
  expect(await forgetful.storage.health()).toMatchObject({ risk: 'volatile', volatile: true })
  await forgetful.close()
})

test('[STORAGE-2] the host is asked after the first write, once, and whenever the app wants', async () => {
  const { open, asked, rig } = setUp({ persists: true })
  const cloud = open()
  cloud.init({ endpoint })
  const todos = cloud.database().collection('todos')
  await todos.get()
  await rig.pass()
  expect(asked()).toBe(0)
  await todos.add({ data: { n: 1 } })
  await todos.add({ data: { n: 2 } })
  expect(asked()).toBe(1)
  expect(await cloud.storage.persist()).toBe(true)
  expect(asked()).toBe(2)
  await cloud.close()
})

test.each([
  ['documents', 'S'],
  ['changes', 'L'],
  ['everything', 'M'],
])('[STORAGE-3] %s that were lost are told, and come again from the server', async (lost, letter) => {
  const { open, platform, rig } = setUp()
  for (let n = 0; n < 300; n++) rig.server.put('todos', { _id: `t${n}`, n })
  const first = open()
  first.init({ endpoint, subscribe: { todos: true } })
  await first.ready()
  await rig.pass()
  await first.whenSynced()
  await first.close()
  if (letter === 'S') {
    const store = await openStore({ storage: platform.storage('default.main'), random: platform.random })
    await store.compact()
    await store.close()
  }
  const { records } = platform.medium('default.main')
  for (const [sequence, payload] of records) {
    const text = String(payload)
    if (text[9] === letter) records.set(sequence, text.replace(/1/g, '2'))
  }

  const cloud = open()
  const told: StorageDamage[] = []
  cloud.on('storageDamaged', damage => told.push(damage))
  cloud.init({ endpoint, subscribe: { todos: true } })
  await cloud.ready()
  expect(told).toEqual([{ lost, found: 0 }])
  expect((await cloud.storage.health()).damage).toEqual(told[0])
  await rig.pass(60_000)
  await cloud.whenSynced()
  const { data } = await cloud.database().collection('todos').orderBy('n', 'asc').get()
  expect(data).toEqual(Array.from({ length: 20 }, (_, n) => ({ _id: `t${n}`, n })))
  expect(await cloud.database().collection('todos').count()).toMatchObject({ total: 300 })
  await cloud.close()
})

test('[STATE-4] closing ends when the store has ended, also where the queue of files cannot be closed', async () => {
  const { open, platform } = setUp()
  const { storage } = platform
  let endStore = () => {}
  const mayEnd = new Promise<void>(resolve => {
    endStore = resolve
  })
  const ended: string[] = []
  platform.storage = name => {
    const made = storage.call(platform, name)
    const { close } = made
    made.close = async options => {
      if (name === 'default.main') await mayEnd
      await close.call(made, options)
      ended.push(name)
      if (name === 'default.main.files') throw new CloudError('STORE_FAILED', { errMsg: 'the disk is gone' })
    }
    return made
  }
  const cloud = open()
  cloud.init({ endpoint })
  await cloud
    .database()
    .collection('todos')
    .add({ data: { n: 1 } })
  const closing = cloud.close({ destroy: true }).catch((error: CloudError) => ended.push(error.code))
  while (!ended.includes('default.main.files')) await Promise.resolve()
  await new Promise(resolve => setTimeout(resolve)) // whoever does not wait goes on here
  endStore()
  await closing
  expect(ended).toEqual(['default.main.files', 'default.main', 'default.main.users', 'STORE_FAILED'])
  expect(platform.medium('default.main').records.size).toBe(0)
})
