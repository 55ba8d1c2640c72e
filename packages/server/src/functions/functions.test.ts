import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { CloudError, type Value } from '@nearcloud/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { admin, alice, bob } from '../testing/scenario.ts'
import { openFixtures, temporaryFolder } from './testing/open-fixtures.ts'

const fixtures = fileURLToPath(new URL('./fixtures', import.meta.url))

async function failureOf(call: Promise<unknown>): Promise<CloudError> {
  const error = await call.then(
    result => expect.fail(`it answered ${JSON.stringify(result)}`),
    (thrown: unknown) => thrown,
  )
  if (error instanceof CloudError) return error
  throw error
}

test('[FN-1] a function adds, updates, reads and counts through the database of the server', async () => {
  const { functions, world } = openFixtures(onTestFinished)
  const result = await functions.invoke({ name: 'adds', data: { title: 'buy milk' }, actor: alice })
  expect(result).toMatchObject({
    data: { title: 'buy milk', at: '1970-01-01T00:00:01.000Z', tries: 2 },
    total: 1,
    isDate: true,
  })
  expect(await world.documents()).toMatchObject([{ title: 'buy milk', at: new Date(1_000), tries: 2 }])
  expect(world.heard.map(({ actor }) => actor)).toEqual([
    { kind: 'function', name: 'adds', openid: 'alice', depth: 0 },
    { kind: 'function', name: 'adds', openid: 'alice', depth: 0 },
  ])
})

test('[FN-2] an ES module with its own package.json imports wx-server-sdk and its own files', async () => {
  const { functions } = openFixtures(onTestFinished)
  const result = await functions.invoke({ name: 'modules', data: { number: 21 }, actor: alice })
  expect(result).toEqual({ doubled: 42, env: 'test' })
})

test('[FN-2] a copy of wx-server-sdk installed in the function is not the one it gets', async () => {
  const folder = temporaryFolder(onTestFinished)
  cpSync(join(fixtures, 'adds'), join(folder, 'adds'), { recursive: true })
  cpSync(join(fixtures, 'throws'), join(folder, 'adds/node_modules/wx-server-sdk'), { recursive: true })
  const { functions } = openFixtures(onTestFinished, { folder })
  const result = await functions.invoke({ name: 'adds', data: { title: 'a' }, actor: alice })
  expect(result).toMatchObject({ total: 1 })
})

test('[FN-3] a function knows its caller, its environment and nothing of the server', async () => {
  const { functions, line } = openFixtures(onTestFinished)
  const result = await functions.invoke({
    name: 'whoami',
    data: { a: 1 },
    actor: alice,
    requestId: 'request-1',
  })
  expect(result).toEqual({
    context: {
      request_id: 'request-1',
      function_name: 'whoami',
      function_version: '$LATEST',
      namespace: 'test',
      memory_limit_in_mb: 256,
      time_limit_in_ms: 3_000,
      environ: expect.any(String),
      environment: expect.any(String),
    },
    cwd: join(fixtures, 'whoami'),
    event: { a: 1, userInfo: { appId: 'test', openId: 'alice' } },
    outside: [],
    send: 'undefined',
    wx: { OPENID: 'alice', APPID: 'test', ENV: 'test', SOURCE: 'wx_client' },
  })
  expect(await line(({ level }) => level === 'warn')).toEqual({
    level: 'warn',
    event: 'function.log',
    message: 'who is it ',
    facts: { function: 'whoami', requestId: 'request-1' },
  })
  expect(await line(({ message }) => message === '{"tag":""}')).toMatchObject({ level: 'info' })
})

test('[FN-3] the operator and a trigger call without OPENID, and userInfo is nobody’s to make up', async () => {
  const { functions, world } = openFixtures(onTestFinished)
  world.judge.mayInvoke = () => true
  const userInfo = { openId: 'bob' }
  const asAdmin = await functions.invoke({ name: 'whoami', data: {}, actor: admin })
  const asTrigger = await functions.invoke({
    name: 'whoami',
    data: {},
    actor: { kind: 'function', name: 'trigger:t', depth: 3 },
    source: 'wx_trigger',
  })
  const asStranger = await functions.invoke({
    name: 'whoami',
    data: { userInfo },
    actor: { kind: 'stranger' },
  })
  const asAlice = await functions.invoke({ name: 'whoami', data: { userInfo }, actor: alice })
  expect(asAdmin).toMatchObject({ wx: { SOURCE: 'wx_devtools' } })
  expect(asTrigger).toMatchObject({ wx: { SOURCE: 'wx_trigger' } })
  for (const { wx } of [asAdmin, asTrigger, asStranger] as { wx: object }[])
    expect(wx).not.toHaveProperty('OPENID')
  expect(asStranger).toMatchObject({ event: {} })
  expect((asStranger as { event: object }).event).not.toHaveProperty('userInfo')
  expect(asAlice).toMatchObject({ event: { userInfo: { openId: 'alice' } } })
})

test('[FN-4] calls at once in one process keep their own identity and their own log lines', async () => {
  const { functions, lines } = openFixtures(onTestFinished)
  const calls = Array.from({ length: 20 }, (_, i) => ({
    name: 'whoami',
    data: { tag: `tag-${i}`, after: (i * 7) % 20 },
    actor: i % 2 === 0 ? alice : bob,
    requestId: `request-${i}`,
  }))
  const results = (await Promise.all(calls.map(call => functions.invoke(call)))) as {
    wx: { OPENID: string }
  }[]
  expect(results.map(({ wx }) => wx.OPENID)).toEqual(calls.map((_, i) => (i % 2 === 0 ? 'alice' : 'bob')))
  for (const { data, requestId } of calls) {
    const said = lines.filter(({ message }) => message === `who is it ${data.tag}`)
    expect(said.map(({ facts }) => facts?.requestId)).toEqual([requestId])
  }
})

test('[FN-5] the process stays warm: globals of the module persist', async () => {
  const { functions } = openFixtures(onTestFinished)
  const results: Value[] = []
  for (let i = 0; i < 3; i++) results.push(await functions.invoke({ name: 'counts', data: {}, actor: alice }))
  expect(results).toEqual([1, 2, 3])
})

test('[FN-6] a function calls another in the name of its caller', async () => {
  const { functions } = openFixtures(onTestFinished)
  const data = { name: 'whoami', data: { a: 1 } }
  expect(await functions.invoke({ name: 'calls', data, actor: alice })).toMatchObject({
    errMsg: 'callFunction:ok',
    result: { event: { a: 1, from: 'calls' }, wx: { OPENID: 'alice', SOURCE: 'wx_client,scf' } },
  })
})

test('[FN-6] a chain of functions ends at 16, with a line in the log', async () => {
  const { functions, lines } = openFixtures(onTestFinished)
  const result = await functions.invoke({ name: 'recurses', data: { level: 0 }, actor: alice })
  expect(result).toMatchObject({ level: 16, code: 'FUNCTIONS_EXECUTE_FAIL' })
  expect(lines.filter(({ event }) => event === 'function.depth')).toHaveLength(1)
})

test('[FN-7] what a function throws is the error of the call, its stack stays in the log', async () => {
  const { functions, line } = openFixtures(onTestFinished)
  const error = await failureOf(functions.invoke({ name: 'throws', data: {}, actor: alice, requestId: 'r' }))
  expect(error.toJSON()).toEqual({
    code: 'FUNCTIONS_EXECUTE_FAIL',
    errMsg: 'errCode: -504002 functions execute fail | errMsg: boom',
    details: { function: 'throws', requestId: 'r' },
  })
  const { message } = await line(({ level }) => level === 'error')
  expect(message).toMatch(/^TypeError: boom\n.*throws.index\.js/)
  const plain = await failureOf(functions.invoke({ name: 'throws', data: { plain: 'no' }, actor: alice }))
  expect(plain.errMsg).toBe('errCode: -504002 functions execute fail | errMsg: no')
})

test.each([
  'nothing',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '',
  '..',
  '../functions',
  'testing/..',
])('[FN-8] there is no function "%s"', async name => {
  const { functions } = openFixtures(onTestFinished)
  const error = await failureOf(functions.invoke({ name, data: {}, actor: alice }))
  expect(error.code).toBe('FUNCTION_NOT_FOUND')
  expect(error.errMsg).toContain('FunctionName parameter could not be found')
})

test('[FN-8] who may not invoke it learns nothing of it', async () => {
  const { functions } = openFixtures(onTestFinished)
  for (const name of ['counts', 'nothing']) {
    const error = await failureOf(functions.invoke({ name, data: {}, actor: { kind: 'stranger' } }))
    expect(error.errMsg).toContain('permission denied')
  }
})

test.each([
  ['an endless loop', 'loops', 0.3],
  ['an endless promise with a timer', 'waits', 1],
])('[FN-9] %s is killed at its time limit, and the next call works', async (_, name, seconds) => {
  const { functions } = openFixtures(onTestFinished)
  const error = await failureOf(functions.invoke({ name, data: {}, actor: alice }))
  expect(error).toMatchObject({ code: 'FUNCTIONS_TIME_LIMIT_EXCEEDED', errCode: -504003 })
  expect(error.errMsg).toContain(`Invoking task timed out after ${seconds} seconds`)
  if (name === 'waits')
    expect(await functions.invoke({ name, data: { answer: true }, actor: alice })).toBe('at once')
})

test('[FN-9] a call that waits beside one that ran too long is answered', async () => {
  const { functions } = openFixtures(onTestFinished)
  await functions.invoke({ name: 'waits', data: { answer: true }, actor: alice })
  const late = failureOf(functions.invoke({ name: 'waits', data: {}, actor: alice }))
  const results = await Promise.all([
    late,
    functions.invoke({ name: 'waits', data: { answer: true }, actor: bob }),
  ])
  expect(results).toMatchObject([{ code: 'FUNCTIONS_TIME_LIMIT_EXCEEDED' }, 'at once'])
})

test('[FN-10] a process that exits fails the call, and the next one gets another process', async () => {
  const { functions } = openFixtures(onTestFinished)
  for (const code of [0, 3]) {
    const error = await failureOf(functions.invoke({ name: 'exits', data: { code }, actor: alice }))
    expect(error.errMsg).toBe(
      `errCode: -504002 functions execute fail | errMsg: ${code} code exit unexpected`,
    )
  }
  expect(await functions.invoke({ name: 'exits', data: {}, actor: alice })).toBe('still here')
})

test('[FN-10] an exception nobody caught is the error of the calls that ran', async () => {
  const { functions } = openFixtures(onTestFinished)
  const error = await failureOf(functions.invoke({ name: 'crashes-later', data: {}, actor: alice }))
  expect(error.errMsg).toContain('nobody caught this')
})

test('[FN-10] code that cannot be loaded says why, at every call', async () => {
  const { functions } = openFixtures(onTestFinished)
  for (let i = 0; i < 2; i++) {
    const error = await failureOf(functions.invoke({ name: 'unloadable', data: {}, actor: alice }))
    expect(error.errMsg).toContain("Cannot find module 'a-package-that-is-not-there'")
  }
})

test.each([
  ['Buffers', 'hoards'],
  ['its heap', 'heaps'],
])('[FN-11] a function that fills its memory with %s is killed', async (_, name) => {
  const { functions } = openFixtures(onTestFinished)
  const error = await failureOf(functions.invoke({ name, data: {}, actor: alice }))
  expect(error.code).toBe('FUNCTIONS_EXECUTE_FAIL')
  expect(error.errMsg).toMatch(/out of memory: more than \d+ MB/)
})

test('[FN-11] a result over 1 MB is refused, one below is not', async () => {
  const { functions } = openFixtures(onTestFinished)
  const error = await failureOf(
    functions.invoke({ name: 'bulky', data: { length: 1_048_576 }, actor: alice }),
  )
  expect(error.errMsg).toContain('larger than 1 MB')
  const result = await functions.invoke({ name: 'bulky', data: { length: 1_048_000 }, actor: alice })
  expect(result).toHaveLength(1_048_000)
})

test.each([false, true])('[FN-11] a flood of log lines is cut, and said to be (raw: %s)', async raw => {
  const { functions, lines } = openFixtures(onTestFinished)
  const data = { lines: 100_000, raw }
  expect(await functions.invoke({ name: 'floods', data, actor: alice })).toBe('flooded')
  expect(lines.length).toBeLessThan(20_000)
})

test('[FN-11] what a function started ends with it', async () => {
  const { functions } = openFixtures(onTestFinished)
  // its number is another one in there, so it is known by its words
  const seconds = String(60 + Math.random())
  await functions.invoke({ name: 'spawns', data: { seconds }, actor: alice })
  expect(runningWith(seconds)).toHaveLength(1)
  await functions.close()
  await expect.poll(() => runningWith(seconds)).toEqual([])
})

test('[FN-12] more calls than may wait are refused, the others are answered', async () => {
  const { functions } = openFixtures(onTestFinished, { maxRunning: 2, maxWaiting: 3 })
  const calls = Array.from({ length: 8 }, () => functions.invoke({ name: 'counts', data: {}, actor: alice }))
  const settled = await Promise.allSettled(calls)
  const refused = settled.flatMap(each => (each.status === 'rejected' ? [each.reason.code] : []))
  expect(refused).toEqual(['EXCEED_REQUEST_LIMIT', 'EXCEED_REQUEST_LIMIT', 'EXCEED_REQUEST_LIMIT'])
  expect(await functions.invoke({ name: 'counts', data: {}, actor: alice })).toBe(6)
})

test('[FN-13] changed code runs at the next call, and a call that runs finishes with the old', async () => {
  const folder = temporaryFolder(onTestFinished)
  const write = (name: string, code: string) => writeFileSync(join(folder, 'words', name), code)
  mkdirSync(join(folder, 'words'))
  write(
    'index.js',
    'exports.main = async () => (console.log("begun"), await new Promise(done => setTimeout(done, 300)), 1)',
  )
  const { functions, line } = openFixtures(onTestFinished, { folder })
  const call = () => functions.invoke({ name: 'words', data: {}, actor: alice })
  const running = call()
  await line(({ message }) => message === 'begun')
  write('words.js', 'module.exports = 2')
  write('index.js', "exports.main = () => require('./words.js')")
  expect(await call()).toBe(2)
  expect(await running).toBe(1)
  write('words.js', 'module.exports = 3.5')
  expect(await call()).toBe(3.5)
})

test('[FN-13] a new function is found, a removed one is gone', async () => {
  const folder = temporaryFolder(onTestFinished)
  const { functions } = openFixtures(onTestFinished, { folder })
  const call = () => functions.invoke({ name: 'counts', data: {}, actor: alice })
  expect((await failureOf(call())).code).toBe('FUNCTION_NOT_FOUND')
  cpSync(join(fixtures, 'counts'), join(folder, 'counts'), { recursive: true })
  expect(await call()).toBe(1)
  expect(functions.list().map(({ folder }) => folder.name)).toEqual(['counts'])
  rmSync(join(folder, 'counts'), { recursive: true })
  expect((await failureOf(call())).code).toBe('FUNCTION_NOT_FOUND')
})

test('[FN-1] what a function asks after it returned is refused, even while another call runs', async () => {
  const { functions, world } = openFixtures(onTestFinished)
  expect(await functions.invoke({ name: 'floats', data: {}, actor: alice })).toBe('returned early')
  expect(await functions.invoke({ name: 'floats', data: { later: true }, actor: bob })).toBe('ABORTED')
  expect(world.heard).toEqual([])
})

test('[FN-1] forged messages change nothing', async () => {
  const { functions, world } = openFixtures(onTestFinished)
  const write = { op: 'add', collection: 'todos', id: 'forged', data: {} }
  const text = JSON.stringify({
    type: 'push',
    mutations: [{ id: 1, nonce: '', base: 0, time: 0, writes: [write] }],
  })
  const messages = [
    { type: 'ask', ask: 1, call: 'made up', verb: 'push', text },
    { type: 'ask', ask: 2, call: 'request-1', verb: 'push', text: text.replace('todos', '_files') },
    { type: 'ask', ask: 3, call: 'request-1', verb: 'sudo', text },
    { type: 'returned', call: 'made up', text: '1' },
    { type: 'threw', call: '__proto__', error: { message: 'no' } },
    { type: 'start' },
    { type: 'pong' },
    'ready',
    null,
  ] as unknown as Value
  const invocation = { name: 'forges', data: { messages }, actor: alice, requestId: 'request-1' }
  expect(await functions.invoke(invocation)).toBe('forged')
  expect(await functions.invoke({ ...invocation, data: { messages: [] } })).toBe('forged')
  expect(world.heard).toEqual([])
})

test('[FN-9] an answer that cannot be read is the error of the call', async () => {
  const { functions } = openFixtures(onTestFinished)
  const messages = [{ type: 'returned', call: 'request-1', text: '{"__proto__":1}' }]
  const invocation = { name: 'forges', data: { messages }, actor: alice, requestId: 'request-1' }
  const error = await failureOf(functions.invoke(invocation))
  expect(error.errMsg).toContain('the result cannot be sent')
})

test('[FN-14] after close nothing is run', async () => {
  const { functions } = openFixtures(onTestFinished)
  await functions.close()
  const error = await failureOf(functions.invoke({ name: 'counts', data: {}, actor: alice }))
  expect(error.code).toBe('ABORTED')
})

/** Processes of this machine that were started with this word. */
function runningWith(word: string): string[] {
  return readdirSync('/proc').filter(name => {
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').split('\0').includes(word) && isAlive(Number(name))
    } catch {
      return false
    }
  })
}

function isAlive(pid: number): boolean {
  try {
    // Killed, but nobody has asked how it ended: dead enough.
    return !/^State:\s*[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}

test('[FN-17] a function aggregates, and makes an index that its queries then go by', async () => {
  const { functions } = openFixtures(onTestFinished)
  const result = await functions.invoke({ name: 'sums', data: {}, actor: alice })
  expect(result).toEqual({
    list: [
      { _id: 'home', minutes: 15 },
      { _id: 'work', minutes: 30 },
    ],
    plan: 'index',
    index: 'by_list',
    examined: 2,
    names: ['by_list'],
    after: 'scan',
  })
})
