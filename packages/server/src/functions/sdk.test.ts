import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Value } from '@nearcloud/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { alice } from '../testing/scenario.ts'
import { openFixtures, temporaryFolder } from './testing/open-fixtures.ts'

/** Seconds in which a process begins on a machine with much else to do. */
const patient = { timeout: 20 }

/** What a function answers whose body this is; `cloud` is the SDK, initialised, `db` its database. */
async function run(body: string, options: { head?: string; config?: object; data?: Value } = {}) {
  const { head = "const cloud = require('wx-server-sdk')\ncloud.init()\nconst db = cloud.database()" } =
    options
  const folder = temporaryFolder(onTestFinished)
  const files = {
    'f/index.js': `${head}\nexports.main = async (event, context) => {${body}}`,
    'f/config.json': JSON.stringify({ ...patient, ...options.config }),
    'echo/config.json': JSON.stringify(patient),
    'fails/config.json': JSON.stringify(patient),
    'echo/index.js': 'exports.main = async event => event',
    'fails/index.js': "exports.main = async () => { throw new Error('boom') }",
  }
  for (const [file, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, file)), { recursive: true })
    writeFileSync(join(folder, file), text)
  }
  const opened = openFixtures(onTestFinished, { folder })
  const result = await opened.functions.invoke({ name: 'f', data: options.data ?? {}, actor: alice })
  return { result, ...opened }
}

test('[SDK-8] an instance has what it is told itself, and everything of the SDK', async () => {
  const { result } = await run(
    `const told = error => error.errMsg ?? String(error)
     const gone = db => db.collection('todos').doc('x').get().then(({ data }) => data, told)
     const made = cloud.createNewInstance({ throwOnNotFound: false })
     const other = new cloud.Cloud({ resourceEnv: 'test' })
     await other.init({ throwOnNotFound: false })
     const early = (() => { try { cloud.createNewInstance().database() } catch (error) { return error.code } })()
     return [
       await gone(cloud.database()), await gone(made.database()), await gone(other.database()), early,
       (await other.callFunction({ name: 'echo', data: { a: 1 } })).result.a, made.getWXContext().OPENID,
     ]`,
  )
  expect(result).toEqual([
    expect.stringContaining('does not exist'),
    null,
    null,
    'NOT_INITIALIZED',
    1,
    'alice',
  ])
})

test('[SDK-8] updateConfig changes some of what init said', async () => {
  const { result } = await run(
    `cloud.updateConfig({ throwOnNotFound: false })
     return (await cloud.database().collection('todos').doc('x').get()).data`,
  )
  expect(result).toBe(null)
})

test("[SDK-12] what needs WeChat's own servers says so", async () => {
  const { result } = await run(
    `const told = []
     for (const work of [
       () => cloud.cloudPay.unifiedOrder({}), () => cloud.cloudPay(), () => cloud.getOpenData({ list: [] }), () => cloud.getVoIPSign({}),
       () => cloud.getCloudCallSign({}), () => cloud.signature({ type: 'midas' }), () => cloud.ai(),
     ]) try { await work() } catch (error) { told.push([error.code, error.errMsg.split(':fail')[0]]) }
     return told`,
  )
  const names = [
    'cloudPay.unifiedOrder',
    'cloudPay',
    'getOpenData',
    'getVoIPSign',
    'getCloudCallSign',
    'signature',
    'ai',
  ]
  expect(result).toEqual(names.map(name => ['INVALID_PARAM', name]))
})

test('[SDK-9] @cloudbase/node-sdk is ours as well, with answers in its words', async () => {
  const { result } = await run(
    `const todos = app.database().collection('todos')
     const { id } = await todos.add({ title: 'tea', n: 1 })
     await todos.doc(id).update({ n: app.database().command.inc(2) })
     const { data } = await todos.where({ title: 'tea' }).get()
     const called = await app.callFunction({ name: 'echo', data: { a: 1 } })
     const failed = await app.callFunction({ name: 'fails' }).catch(error => error.code)
     app.logger().info({ seen: true })
     return { data, called, failed, user: app.auth().getUserInfo(), env: tcb.getCloudbaseContext().TCB_ENV }`,
    {
      head: "const tcb = require('@cloudbase/node-sdk')\nconst app = tcb.init({ env: tcb.SYMBOL_CURRENT_ENV })",
    },
  )
  expect(result).toEqual({
    data: [{ _id: expect.any(String), title: 'tea', n: 3 }],
    called: { result: { a: 1 }, requestId: expect.stringMatching(/^[0-9a-f]{32}$/) },
    failed: 'FUNCTIONS_EXECUTE_FAIL',
    user: { openId: 'alice', appId: 'test', uid: 'alice', customUserId: '' },
    env: 'test',
  })
})

test('[SDK-9] it is imported by ES modules, too', async () => {
  const folder = temporaryFolder(onTestFinished)
  mkdirSync(join(folder, 'f'))
  const packages = ["'@cloudbase/node-sdk'", "'wx-server-sdk'"]
  const code = `import tcb, { init } from ${packages[0]}
import cloud, { DYNAMIC_CURRENT_ENV } from ${packages[1]}
export const main = () => [tcb.init === init, tcb.SYMBOL_CURRENT_ENV === DYNAMIC_CURRENT_ENV, typeof cloud.init]`
  writeFileSync(join(folder, 'f/index.mjs'), code)
  writeFileSync(join(folder, 'f/config.json'), JSON.stringify(patient))
  const { functions } = openFixtures(onTestFinished, { folder })
  expect(await functions.invoke({ name: 'f', data: {}, actor: alice })).toEqual([true, true, 'function'])
})

test('[SDK-10] the context has the declared variables, as text and as JSON', async () => {
  const { result } = await run('return [context.environ, JSON.parse(context.environment)]', {
    config: { envVariables: { STAGE: 'production', ZONE: 'a' } },
  })
  const [environ, environment] = result as [string, Value]
  expect(environ.split(';')).toEqual(expect.arrayContaining(['STAGE=production', 'ZONE=a']))
  expect(environment).toMatchObject({ STAGE: 'production', ZONE: 'a' })
})

test('[SDK-11] what a called function threw has its code, and words that name the call', async () => {
  const { result } = await run(
    `const told = call => call.then(() => 'no error', ({ code, errCode, errMsg }) => ({ code, errCode, errMsg }))
     return [
       await told(cloud.callFunction({ name: 'fails' })),
       await told(cloud.callFunction({ name: 'nowhere' })),
       await told(cloud.callFunction({})),
       await told(db.collection('todos').doc('x').get()),
     ]`,
  )
  expect(result).toMatchObject([
    {
      code: 'FUNCTIONS_EXECUTE_FAIL',
      errCode: -504002,
      errMsg: expect.stringMatching(/^callFunction:fail .*boom$/),
    },
    { code: 'FUNCTION_NOT_FOUND', errCode: -501000, errMsg: expect.stringMatching(/^callFunction:fail /) },
    { code: 'INVALID_PARAM', errCode: -501007 },
    { code: 'DOCUMENT_NOT_FOUND', errCode: -1, errMsg: expect.stringMatching(/^document.get:fail /) },
  ])
})
