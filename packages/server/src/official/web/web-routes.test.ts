import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createServer, type ServerOptions } from '../../create-server.ts'
import { ManualClock } from '../../testing/manual-clock.ts'
import { OpenJudge } from '../../testing/open-judge.ts'

interface Told {
  readonly status: number
  readonly body: Record<string, unknown>
}

async function opened(options: Partial<ServerOptions> = {}) {
  const root = mkdtempSync(join(tmpdir(), 'nearcloud-official-web-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const server = await createServer({ dataFolder: join(root, 'data'), judge: new OpenJudge(), ...options })
  onTestFinished(() => server.stop())
  async function ask(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const text = typeof body === 'string' ? body : JSON.stringify(body)
    const response = await fetch(`${server.url}${path}`, {
      method,
      headers,
      ...(body !== undefined && { body: text }),
    })
    return {
      status: response.status,
      body: (await response.json()) as Record<string, unknown>,
    } satisfies Told
  }
  const signIn = async () => {
    const { body } = await ask('POST', '/auth/v1/signin/anonymously?client_id=default', {})
    return body as { access_token: string; refresh_token: string; sub: string }
  }
  return { server, ask, signIn }
}

const documents = '/v1/database/instances/(default)/databases/(default)/collections/todos/documents'
const transactions = '/v1/database/instances/(default)/databases/(default)/transactions'
const bearer = (token: string) => ({ authorization: `Bearer ${token}` })
/** Every door, and what is sent there. */
const doors = [
  ['GET', documents, undefined],
  ['POST', documents, { data: [{ a: 1 }] }],
  ['PATCH', documents, { query: {}, data: { $set: { a: 1 } } }],
  ['POST', `${documents}/remove`, { query: {} }],
  ['POST', `${documents}/aggregations`, { pipeline: [] }],
  ['GET', `${documents}/x`, undefined],
  ['POST', transactions, undefined],
  ['POST', `${transactions}/t/commit`, undefined],
  ['POST', `${transactions}/t/rollback`, undefined],
  ['POST', '/v1/functions/f', {}],
  ['POST', '/v1/storages/get-objects-upload-info', [{ objectId: 'a' }]],
  ['POST', '/v1/storages/get-objects-download-info', [{ cloudObjectId: 'a' }]],
  ['POST', '/v1/storages/delete-objects', [{ cloudObjectId: 'a' }]],
  ['POST', '/v1/storages/copy-objects', [{ srcPath: 'a', dstPath: 'b' }]],
  ['GET', '/auth/v1/user/me', undefined],
] as const

test('[OFFICIAL-18] without the access token of somebody who is here, no door of js-sdk opens', async () => {
  const { ask, signIn, server } = await opened()
  const other = await opened()
  const { access_token: token, refresh_token: session } = await signIn()
  const foreign = (await other.signIn()).access_token
  for (const [method, path, body] of doors)
    for (const headers of [
      {},
      bearer('x'),
      bearer(foreign),
      bearer(session),
      bearer(`${token}x`),
      { authorization: token },
    ]) {
      const { status, body: said } = await ask(method, path, body, headers)
      expect([status, said.code], `${method} ${path}`).toEqual([401, 'CHECK_LOGIN_FAILED'])
    }
  expect((await server.database().collection('todos').get()).data).toEqual([])
})

test('[OFFICIAL-18] pages of other origins are refused at every door, also by name and password', async () => {
  const { ask, signIn } = await opened({ door: { origins: ['https://app.example'] } })
  const { access_token: token } = await signIn()
  const evil = { ...bearer(token), origin: 'https://evil.example' }
  for (const [method, path, body] of doors)
    expect((await ask(method, path, body, evil)).status, path).toBe(403)
  expect((await ask('POST', '/auth/v1/signin/anonymously', {}, evil)).status).toBe(403)
  const own = { ...evil, origin: 'https://app.example' }
  expect((await ask('GET', documents, undefined, own)).status).toBe(200)
})

test('[OFFICIAL-16] an access token that is over is told apart, and a refresh token brings another', async () => {
  const clock = new ManualClock()
  const { ask, signIn } = await opened({ clock })
  const { access_token: token, refresh_token: session, sub } = await signIn()
  expect((await ask('GET', documents, undefined, bearer(token))).status).toBe(200)
  clock.advance(2 * 3_600_000 + 1_000)
  expect(await ask('GET', documents, undefined, bearer(token))).toMatchObject({
    status: 401,
    body: { code: 'ACCESS_TOKEN_EXPIRED' },
  })
  const { body } = await ask('POST', '/auth/v1/token', {
    grant_type: 'refresh_token',
    refresh_token: session,
  })
  expect(body).toMatchObject({ sub, token_type: 'Bearer' })
  expect(await ask('GET', '/auth/v1/user/me', undefined, bearer(body.access_token as string))).toMatchObject({
    status: 200,
    body: { sub },
  })
  const access = { grant_type: 'refresh_token', refresh_token: body.access_token }
  expect((await ask('POST', '/auth/v1/token', access)).status).toBe(401)
})

test('[OFFICIAL-18] junk is refused in words meant for its sender, and nothing is done', async () => {
  const { ask, signIn, server } = await opened()
  await server
    .database()
    .collection('todos')
    .add({ data: { _id: 'x', n: 1 } })
  const { access_token: token } = await signIn()
  const asked = (method: string, path: string, body?: unknown) => ask(method, path, body, bearer(token))
  const junk: unknown[] = [
    '',
    '{',
    '[]',
    '7',
    '{"__proto__":{}}',
    `${'['.repeat(9_000)}`,
    { data: 7 },
    { data: [7] },
    { data: [{ $set: { a: 1 } }] },
  ]
  junk.push(
    { query: { $where: '1' }, data: { $set: { a: 1 } } },
    { query: 7, data: { $set: { a: 1 } } },
    { query: { _id: 'x' }, data: { n: 2 } },
  )
  junk.push(
    { query: { _id: 'x' }, data: { $set: { _id: 'y' } } },
    { query: { _id: 'x' }, data: { $set: { _openid: 'z' } } },
  )
  junk.push(
    { query: {}, data: { $set: { a: 1 } }, transactionId: 't' },
    { pipeline: [{ $out: 'x' }] },
    { pipeline: 7 },
  )
  for (const body of junk)
    for (const [method, path] of [
      ['POST', documents],
      ['PATCH', documents],
      ['POST', `${documents}/aggregations`],
    ] as const) {
      const { status, body: said } = await asked(method, path, body)
      expect(status, `${method} ${path} ${JSON.stringify(body)} ${String(said.message)}`).toBe(400)
    }
  for (const query of [
    'query={',
    'query=7',
    'query={"$where":"1"}',
    'order=7',
    'order=[7]',
    'order=[{"field":"a"}]',
    'projection={"a":7}',
    'offset=x',
    'limit=-1',
  ])
    expect((await asked('GET', `${documents}?${query}`)).status, query).toBe(400)
  expect((await asked('GET', documents.replace('todos', '_users'))).status).toBe(400)
  for (const name of [
    'get-objects-upload-info',
    'get-objects-download-info',
    'delete-objects',
    'copy-objects',
  ])
    for (const body of ['{', {}, [7], [{}], [{ objectId: '../x', cloudObjectId: 7 }]])
      expect((await asked('POST', `/v1/storages/${name}`, body)).status, name).toBe(400)
  for (const body of ['{', [], {}, { ticket: {} }, { username: {}, password: [] }])
    for (const door of ['signin', 'signin/custom', 'token'])
      expect([400, 401], `${door} ${JSON.stringify(body)}`).toContain(
        (await ask('POST', `/auth/v1/${door}`, body)).status,
      )
  expect((await server.database().collection('todos').get()).data).toEqual([{ _id: 'x', n: 1 }])
})

test('[OFFICIAL-18] who asks too often is told when to come again, signed in or not', async () => {
  const clock = new ManualClock()
  const rates = { address: { perMinute: 60, burst: 20 }, user: { perMinute: 60, burst: 3 } }
  const { ask, signIn } = await opened({ clock, rates })
  const { access_token: token } = await signIn()
  const statuses: number[] = []
  for (let i = 0; i < 5; i++) statuses.push((await ask('GET', documents, undefined, bearer(token))).status)
  expect(statuses).toEqual([200, 200, 200, 429, 429])
  const strangers: number[] = []
  for (let i = 0; i < 20; i++) strangers.push((await ask('GET', documents)).status)
  expect(new Set(strangers)).toEqual(new Set([401, 429]))
  expect((await ask('POST', '/auth/v1/signin/anonymously', {})).status).toBe(429)
  clock.advance(60_000)
  expect((await ask('GET', documents, undefined, bearer(token))).status).toBe(200)
})

test("[OFFICIAL-23] a transaction is its own user's, ends by itself after 30 seconds, and a user has five at most", async () => {
  const clock = new ManualClock()
  const { ask, signIn, server } = await opened({ clock })
  const [ann, ben] = [bearer((await signIn()).access_token), bearer((await signIn()).access_token)]
  const start = (who: Record<string, string>) => ask('POST', transactions, undefined, who)
  const { transactionId } = (await start(ann)).body
  expect(transactionId).toMatch(/^[0-9a-f]{32}$/)
  const add = (who: Record<string, string>, id: string, name: unknown = transactionId) =>
    ask('POST', documents, { data: [{ _id: id }], transactionId: name }, who)
  expect((await add(ann, 'a')).status).toBe(200)
  const ended = { status: 400, body: { code: 'DATABASE_TRANSACTION_FAIL' } }
  expect(await add(ben, 'b')).toMatchObject(ended)
  expect(await ask('GET', `${documents}/a?transactionId=${transactionId}`, undefined, ben)).toMatchObject(
    ended,
  )
  for (const how of ['commit', 'rollback'])
    expect(await ask('POST', `${transactions}/${transactionId}/${how}`, undefined, ben)).toMatchObject(ended)
  for (const name of ['__proto__', 7, {}, [], null, 'x'.repeat(1_000)].filter(each => each !== null))
    expect(await add(ann, 'junk', name)).toMatchObject(ended)
  expect(await ask('POST', `${documents}/aggregations`, { pipeline: [], transactionId }, ann)).toMatchObject({
    status: 400,
    body: { code: 'INVALID_PARAM' },
  })

  for (let i = 0; i < 4; i++) expect((await start(ann)).status).toBe(200)
  expect(await start(ann)).toMatchObject({ status: 429, body: { code: 'EXCEED_REQUEST_LIMIT' } })
  expect((await start(ben)).status).toBe(200)
  clock.advance(30_000)
  expect(await add(ann, 'late')).toMatchObject(ended)
  expect(await ask('POST', `${transactions}/${transactionId}/commit`, undefined, ann)).toMatchObject(ended)
  expect((await start(ann)).status).toBe(200)
  expect((await server.database().collection('todos').get()).data).toEqual([])
})

test('[OFFICIAL-23] a transaction ends with the roles it was begun with', async () => {
  const { ask, server } = await opened()
  await server.users.add('anna', 'correct horse')
  const signedIn = async () => {
    const { body } = await ask('POST', '/auth/v1/signin', { username: 'anna', password: 'correct horse' })
    return bearer(body.access_token as string)
  }
  const { body } = await ask('POST', transactions, undefined, await signedIn())
  const adding = { data: [{ _id: 'a' }], transactionId: body.transactionId }
  await server.users.changeRoles('pw:anna', { grant: ['editor'] })
  expect(await ask('POST', documents, adding, await signedIn())).toMatchObject({
    body: { code: 'DATABASE_TRANSACTION_FAIL' },
  })
})

test('[OFFICIAL-23] a commit that failed says so with its code, and breaks off for the SDK that looks at none', async () => {
  const { ask, signIn, server } = await opened()
  const who = bearer((await signIn()).access_token)
  const lost = async () => {
    const { transactionId } = (await ask('POST', transactions, undefined, who)).body
    await ask('GET', `${documents}/a?transactionId=${transactionId}`, undefined, who)
    await ask('POST', documents, { data: [{ n: 1 }], transactionId }, who)
    await server
      .database()
      .collection('todos')
      .doc('a')
      .set({ data: { public: true, at: `${transactionId}` } })
    return `${transactions}/${transactionId}/commit`
  }
  expect(await ask('POST', await lost(), undefined, who)).toMatchObject({
    status: 409,
    body: { code: 'DATABASE_TRANSACTION_CONFLICT' },
  })
  const node = { ...who, 'user-agent': 'adapter-node/@cloudbase/js-sdk/3.7.0' }
  await expect(ask('POST', await lost(), undefined, node)).rejects.toThrow()
  expect((await server.database().collection('todos').get()).data).toHaveLength(1)
})

test('[OFFICIAL-24] at the one address of CLOUD_API nobody gets in without a token, and junk is told with 200', async () => {
  const { ask, signIn, server } = await opened({ door: { origins: ['https://app.example'] } })
  const other = await opened()
  const { access_token: token, refresh_token: session } = await signIn()
  const web = (body: unknown, headers = {}) => ask('POST', '/web?env=default', body, headers)
  const adding = { action: 'database.addDocument', collectionName: 'todos', data: { a: 1 } }
  const foreign = (await other.signIn()).access_token
  for (const shown of [undefined, '', 'x', foreign, session, `${token}x`, 7, {}]) {
    const { status, body } = await web({ ...adding, access_token: shown }, bearer(token))
    expect(status).toBe(200)
    expect(['CHECK_LOGIN_FAILED', 'INVALID_PARAM']).toContain(body.code)
  }
  const evil = { origin: 'https://evil.example' }
  expect((await web({ ...adding, access_token: token }, evil)).status).toBe(403)
  const other404 = await web({ ...adding, env: 'elsewhere', access_token: token })
  expect(other404.body.code).toBe('INVALIID_ENV')
  const junk: Record<string, unknown>[] = [
    { action: 'database.nothing' },
    { action: '__proto__' },
    { action: 'constructor' },
    { action: 7 },
    { action: 'database.insertDocument', data: ['{}'] },
    { action: 'database.modifyDocument' },
    { ...adding, collectionName: '_users' },
    { ...adding, collectionName: 7 },
    { ...adding, data: 7 },
    { ...adding, data: [7] },
    { ...adding, data: { _openid: 'x' } },
    { ...adding, transactionId: 't' },
    { action: 'database.queryDocument', collectionName: 'todos', query: { $where: '1' } },
    { action: 'database.queryDocument', collectionName: 'todos', order: 7 },
    { action: 'database.queryDocument', collectionName: 'todos', limit: 'x' },
    { action: 'database.updateDocument', collectionName: 'todos', query: {}, data: { a: 1 } },
    { action: 'database.updateDocument', collectionName: 'todos', query: {}, data: '{' },
    {
      action: 'database.aggregate',
      collectionName: 'todos',
      stages: [{ stageKey: '$out', stageValue: '"x"' }],
    },
    { action: 'database.aggregate', collectionName: 'todos', stages: 7 },
    { action: 'database.commitTransaction' },
    { action: 'functions.invokeFunction', function_name: 7 },
    { action: 'functions.invokeFunction', function_name: 'f', request_data: '{' },
    { action: 'storage.getUploadMetadata', path: '../x' },
    { action: 'storage.batchDeleteFile', fileid_list: 7 },
  ]
  for (const body of junk) {
    const { status, body: said } = await web({ ...body, access_token: token })
    expect([status, typeof said.code, said.code === 'SYS_ERR'], JSON.stringify(body)).toEqual([
      200,
      'string',
      false,
    ])
  }
  expect((await web('{')).status).toBe(200)
  expect((await server.database().collection('todos').get()).data).toEqual([])
})
