import { CloudError } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { MemoryEngine } from '../../testing/memory-engine.ts'
import { CallOnce, type KeyedCall } from './call-once.ts'

/** Calls over an engine that outlives a server. */
function setUp() {
  const engine = new MemoryEngine()
  let now = 1_000
  const open = () => CallOnce.open({ environment: { engine, env: 'test' }, clock: { now: () => now } })
  const began: string[] = []
  const call = (key: string, more: Partial<KeyedCall> = {}): KeyedCall => ({
    openid: 'alice',
    key,
    name: 'f',
    data: { n: 1 },
    requestId: `request-${began.length}`,
    async run() {
      began.push(key)
      return began.length
    },
    ...more,
  })
  const pass = (ms: number) => {
    now += ms
  }
  return { engine, open, began, call, pass }
}

test('[ONCE-1] a call begins once for a key, and who asks again gets the first outcome', async () => {
  const { open, began, call } = setUp()
  const once = await open()
  const first = await once.invoke(call('a'))
  expect(first).toEqual({ result: 1, requestId: 'request-0' })
  expect(await once.invoke(call('a'))).toEqual(first)
  expect(await once.invoke(call('b'))).toEqual({ result: 2, requestId: 'request-1' })
  expect(await once.invoke(call('a', { openid: 'bob' }))).toMatchObject({ result: 3 })
  expect(began).toEqual(['a', 'b', 'a'])
})

test('[ONCE-5] a key that another call had is refused, while that runs, afterwards, and after a restart', async () => {
  const { open, began, call, engine } = setUp()
  const once = await open()
  const others = [call('a', { data: { n: 2 } }), call('a', { name: 'g' })]
  const refused = { code: 'INVALID_PARAM', errMsg: expect.stringContaining('key of its own') }
  const first = once.invoke(call('a'))
  for (const other of others) await expect(once.invoke(other)).rejects.toMatchObject(refused)
  const outcome = await first
  const later = await open()
  for (const other of others) await expect(later.invoke(other)).rejects.toMatchObject(refused)
  expect(await later.invoke(call('a'))).toEqual(outcome)
  expect(began).toEqual(['a'])
  // of a call that began before servers kept which it was, any with its key is taken for it
  await engine.writeState('test', 'call-began/alice/old', '5')
  expect(await (await open()).invoke(call('old', { data: 7 }))).toMatchObject({ error: {} })
})

test('[ONCE-1] who asks while it runs waits for the same outcome', async () => {
  const { open, began, call } = setUp()
  const once = await open()
  let finish = (_: number) => {}
  const run = () =>
    new Promise<number>(resolve => {
      began.push('a')
      finish = resolve
    })
  const both = [once.invoke(call('a', { run })), once.invoke(call('a', { run }))]
  await expect.poll(() => began.length).toBe(1)
  finish(7)
  expect(await Promise.all(both)).toMatchObject([{ result: 7 }, { result: 7 }])
})

test('[ONCE-1] what it threw is its outcome, also after a restart', async () => {
  const { open, began, call } = setUp()
  const run = async () => {
    began.push('a')
    throw new CloudError('FUNCTIONS_EXECUTE_FAIL', { errMsg: 'boom' })
  }
  const failed = await (await open()).invoke(call('a', { run }))
  expect(failed).toMatchObject({ error: { code: 'FUNCTIONS_EXECUTE_FAIL', errMsg: 'boom' } })
  expect(await (await open()).invoke(call('a', { run }))).toEqual(failed)
  expect(began).toEqual(['a'])
})

test('[ONCE-2] a call during which the server ended is not run again', async () => {
  const { open, began, call } = setUp()
  const run = () => {
    began.push('a')
    return new Promise<number>(() => {})
  }
  void (await open()).invoke(call('a', { run }))
  await expect.poll(() => began).toEqual(['a'])
  const again = await (await open()).invoke(call('a'))
  expect(again).toMatchObject({ error: { errMsg: expect.stringContaining('the server ended while it ran') } })
  expect(began).toEqual(['a'])
})

test.each(['EXCEED_REQUEST_LIMIT', 'ABORTED', 'FUNCTION_NOT_FOUND'] as const)(
  '[ONCE-3] one that was not carried out (%s) may be asked for again',
  async code => {
    const { open, call } = setUp()
    const once = await open()
    const run = () => Promise.reject(new CloudError(code, { errMsg: 'not now' }))
    await expect(once.invoke(call('a', { run }))).rejects.toMatchObject({ code })
    expect(await once.invoke(call('a'))).toMatchObject({ result: 1 })
  },
)

test('[ONCE-4] large results are not kept, and outcomes but the newest hundred are let go', async () => {
  const { engine, open, call } = setUp()
  const once = await open()
  const large = 'x'.repeat(70_000)
  expect(await once.invoke(call('large', { run: async () => large }))).toMatchObject({ result: large })
  expect(await once.invoke(call('large'))).toMatchObject({
    error: { errMsg: expect.stringContaining('it was carried out') },
  })
  for (let n = 0; n < 150; n++) await once.invoke(call(`call-${n}`))
  expect(await engine.listState('test', 'call-outcome/')).toHaveLength(100)
  expect(await once.invoke(call('call-0'))).toMatchObject({ error: {} })
})

test('[ONCE-4] what began thirty days ago is forgotten', async () => {
  const { engine, open, call, pass } = setUp()
  const once = await open()
  await once.invoke(call('old'))
  pass(31 * 24 * 3_600_000)
  await once.invoke(call('new'))
  expect((await engine.listState('test', 'call-')).map(([key]) => key).sort()).toEqual([
    'call-began/alice/new',
    'call-outcome/alice/new',
  ])
})
