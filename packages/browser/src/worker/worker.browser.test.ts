import { storageSuite } from '@nearcloud/store/testing'
import type {} from '@vitest/browser-playwright'
import { expect, test } from 'vitest'
import { cdp } from 'vitest/browser'
import { createCloud } from '../create-cloud.ts'
import { inWorker } from './in-worker.ts'

const startWorker = () => new Worker(new URL('./worker.ts', import.meta.url), { type: 'module' })
const worker = startWorker()
const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))

storageSuite('a storage in a worker', { test, expect }, () => {
  const name = `worker-${crypto.randomUUID()}`
  return { storage: () => inWorker(worker, undefined).storage(name) }
})

storageSuite('an encrypted storage in a worker', { test, expect }, () => {
  const name = `worker-${crypto.randomUUID()}`
  const key = random(32)
  return { storage: () => inWorker(worker, () => key).storage(name) }
})

test('[WORKER-1] a cloud whose storage and network are in a worker is as one without, and finds its data without', async () => {
  const store = `worker-${crypto.randomUUID()}`
  const own = startWorker()
  const open = (options: Parameters<typeof createCloud>[0]) => {
    const cloud = createCloud(options)
    cloud.init({ endpoint: 'http://127.0.0.1:1', store })
    cloud.goOffline()
    return cloud
  }
  const cloud = open({ worker: own })
  const notes = cloud.database().collection('notes')
  const seen: unknown[] = []
  notes.watch({ onChange: ({ docs }) => seen.push(docs.length), onError: error => seen.push(error) })
  await Promise.all([1, 2, 3].map(n => notes.add({ data: { _id: `n${n}`, at: new Date(n) } })))
  expect((await notes.where({ at: new Date(2) }).get()).data).toMatchObject([{ _id: 'n2' }])
  expect(seen.at(-1)).toBe(3)
  await cloud.close()
  own.terminate()
  const without = open({})
  expect((await without.database().collection('notes').count()).total).toBe(3)
  await without.close({ destroy: true })
})

test('[WORKER-2] what goes wrong in the worker is the same error here', async () => {
  const { storage, request } = inWorker(worker, undefined)
  const name = `worker-${crypto.randomUUID()}`
  const [first, second] = [storage(name), storage(name)]
  await first.open({ durability: 'relaxed' })
  await expect(second.open({ durability: 'relaxed' })).rejects.toMatchObject({ code: 'STORE_IN_USE' })
  await first.close({ destroy: true })
  await expect(first.append(['x'])).rejects.toMatchObject({ code: 'CLOSED' })
  const asked = request({ method: 'GET', url: 'http://127.0.0.1:1/', timeoutMs: 10_000 })
  await expect(asked).rejects.toMatchObject({ code: 'OFFLINE' })
  await expect(
    inWorker(worker, () => 'none' as never)
      .storage(name)
      .open({ durability: 'relaxed' }),
  ).rejects.toMatchObject({ code: 'INVALID_PARAM' })
})

test('[WORKER-3] a socket of the worker that nobody answers is closed once; an answer has its bytes', async () => {
  const { transport, request } = inWorker(worker, undefined)
  const heard: string[] = []
  await new Promise<void>(resolve => {
    transport('ws://127.0.0.1:1/sync').connect({
      opened: () => heard.push('opened'),
      received: () => heard.push('received'),
      closed() {
        heard.push('closed')
        resolve()
      },
    })
    heard.push('connect returned')
  })
  expect(heard).toEqual(['connect returned', 'closed'])
  const answer = await request({ method: 'GET', url: location.href, timeoutMs: 30_000 })
  expect([answer.status, answer.body.length > 0]).toEqual([200, true])
})

test('[WORKER-6] a worker hears who comes after what asked it before was collected', async () => {
  const own = startWorker()
  const ask = async () =>
    (await inWorker(own, undefined).request({ method: 'GET', url: location.href, timeoutMs: 30_000 })).status
  for (let times = 0; times < 5; times++) {
    expect(await ask()).toBe(200)
    await cdp().send('HeapProfiler.collectGarbage')
  }
  own.terminate()
})

test.each(['io', 'engine'] as const)(
  '[WORKER-7] a worker whose code cannot be loaded is told, or done without (%s)',
  async workerDoes => {
    const worker = new Worker(`/no-such-worker-${crypto.randomUUID()}.js`, { type: 'module' })
    const cloud = createCloud({ worker, workerDoes })
    cloud.init({ endpoint: 'http://127.0.0.1:1', store: `worker-${crypto.randomUUID()}` })
    if (workerDoes === 'io')
      await expect(cloud.ready()).rejects.toMatchObject({
        code: 'STORE_FAILED',
        errMsg: 'the worker’s code cannot be loaded: look at its address, and at what it imports',
      })
    else await cloud.database().collection('notes').add({ data: {} })
    await cloud.close({ destroy: true })
  },
)

test('[WORKER-5] a cloud that never began closes without its worker', async () => {
  const worker = startWorker()
  worker.terminate()
  await createCloud({ worker, workerDoes: 'engine' }).close()
})
