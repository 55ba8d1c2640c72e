import { createHash } from 'node:crypto'
import { seedOfCall } from '@nearcloud/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { openTokens } from '../../auth/tokens.ts'
import { systemClock, systemRandom } from '../../host.ts'
import { startProject } from '../testing/start-project.ts'

const files = {
  'cloudfunctions/echo/index.js': `
const cloud = require('wx-server-sdk')
cloud.init()
let calls = 0
exports.main = async event => ({ event, calls: ++calls, who: cloud.getWXContext().OPENID, when: event.when instanceof Date })`,
  'cloudfunctions/notes/index.js': `
const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async () => (await cloud.database().collection('notes').add({ data: {} }))._id`,
  'cloudfunctions/notes/config.json': '{"offline":true}',
  'cloudfunctions/fails/index.js': "exports.main = async () => { throw new Error('boom') }",
  'rules.json': '{"functions":{"*":{"invoke":"auth != null"},"hidden":{"invoke":false}}}',
}

async function open() {
  const started = await startProject(onTestFinished, files)
  const tokens = await openTokens(`${started.project}/.nearcloud`, systemClock, systemRandom)
  const openid = tokens.newOpenid()
  const token = await tokens.sign('access', 'default', openid)
  const call = async (name: string, init: RequestInit = {}) => {
    const headers = { authorization: `Bearer ${token}`, ...init.headers }
    const response = await fetch(`${started.server.url}/functions/${name}`, {
      method: 'POST',
      ...init,
      headers,
    })
    return [response.status, (await response.json()) as Record<string, unknown>] as const
  }
  return { ...started, call, openid }
}

test('[HTTP-10] a function is called over HTTP in the name of the user of the token', async () => {
  const { call, openid } = await open()
  const body = '{"a":1,"when":{"$date":5}}'
  const userInfo = { appId: 'default', openId: openid }
  expect(await call('echo', { body })).toEqual([
    200,
    {
      result: {
        event: { a: 1, when: '1970-01-01T00:00:00.005Z', userInfo },
        calls: 1,
        who: openid,
        when: true,
      },
      requestId: expect.stringMatching(/^[0-9a-f]{32}$/),
    },
  ])
})

test('[HTTP-10] with an idempotency-key it begins once', async () => {
  const { call } = await open()
  const headers = { 'idempotency-key': 'order-0001' }
  const all = await Promise.all([call('echo', { headers }), call('echo', { headers })])
  const again = await call('echo', { headers })
  for (const answer of all) expect(answer).toEqual(again)
  expect(await call('echo')).toMatchObject([200, { result: { calls: 2 } }])
  const failing = { 'idempotency-key': 'order-0002' }
  expect(await call('fails', { headers: failing })).toEqual(await call('fails', { headers: failing }))
})

test('[FN-25] a function that runs on devices, too, makes the ids the device made for the call', async () => {
  const { call, openid, server } = await open()
  const key = 'note-0001'
  const [, said] = await call('notes', { headers: { 'idempotency-key': key } })
  const seed = `${seedOfCall(openid, key)}\n0`
  expect(said).toMatchObject({ result: createHash('sha256').update(seed).digest('hex').slice(0, 32) })
  const again = await Promise.all([call('notes'), call('notes')])
  expect(new Set(again.map(([, { result }]) => result)).size).toBe(2)
  const { total } = await server.database().collection('notes').count()
  expect(total).toBe(3)
})

test('[FN-25] what a call with a key wrote is in the version it tells, also of one that failed', async () => {
  const { call } = await open()
  const versionOf = async (name: string, key: string) =>
    Number((await call(name, { headers: { 'idempotency-key': key } }))[1].version)
  const before = await versionOf('fails', 'call-0001')
  expect(await versionOf('notes', 'call-0002')).toBe(before + 1)
  expect(await versionOf('fails', 'call-0003')).toBe(before + 1)
})

test('[HTTP-10] failures have the words of callFunction, and a status', async () => {
  const { call } = await open()
  expect(await call('fails')).toMatchObject([
    500,
    { code: 'FUNCTIONS_EXECUTE_FAIL', errMsg: expect.stringContaining('boom') },
  ])
  expect(await call('nothing')).toMatchObject([404, { code: 'FUNCTION_NOT_FOUND' }])
  expect(await call('hidden')).toMatchObject([500, { errMsg: expect.stringContaining('permission denied') }])
})

test.each([
  ['no token', { headers: { authorization: '' } }, 401],
  ['a forged token', { headers: { authorization: 'Bearer forged' } }, 401],
  ['another method', { method: 'PUT' }, 405],
  ['no JSON', { body: '{' }, 400],
  ['a key of a prototype', { body: '{"__proto__":1}' }, 400],
  ['a tag that is none', { body: '{"a":{"$date":"x"}}' }, 400],
  ['a key that is none', { headers: { 'idempotency-key': '../../x' } }, 400],
  ['too deep', { body: '['.repeat(5_000) + ']'.repeat(5_000) }, 400],
])('[HTTP-10] %s is refused', async (_, init, status) => {
  const { call } = await open()
  expect((await call('echo', init))[0]).toBe(status)
})

test.each(['__proto__', 'constructor', '..%2fecho', 'echo%00', '%zz'])(
  '[HTTP-10] nobody is called %s',
  async name => {
    const { call } = await open()
    expect([404, 400]).toContain((await call(name).catch(() => [404]))[0])
  },
)
