import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Validator } from '@seriousme/openapi-schema-validator'
import { expect, onTestFinished, test } from 'vitest'
import { createServer } from '../create-server.ts'
import { temporaryFolder } from '../functions/testing/open-fixtures.ts'
import { startApi } from './testing/start-api.ts'

test('[HTTPAPI-1] the document is one of OpenAPI 3.1, at a fixed address, and not sent again while it is the same', async () => {
  const { server } = await startApi(onTestFinished)
  const response = await fetch(`${server.url}/cloud/v1/openapi.json`)
  const document = (await response.json()) as Record<string, unknown>
  expect(document).toMatchObject({ openapi: '3.1.1' })
  expect(await new Validator().validate(document)).toMatchObject({ valid: true })
  const etag = response.headers.get('etag')!
  const again = await fetch(response.url, { headers: { 'if-none-match': etag } })
  expect(again.status).toBe(304)
})

test('[HTTPAPI-2] each operation of the document is there, and answers as the document says', async () => {
  const { api, server, adminKey, anonymous } = await startApi(onTestFinished)
  const { accessToken: token, refreshToken, openid } = await anonymous()
  const todos = { collection: 'todos' }
  const mine = { _openid: '{openid}' }
  const ok = async (id: string, ask: Parameters<typeof api.ask>[1] = {}) => {
    const said = await api.ask(id, ask)
    expect([id, said.status, said.json]).toEqual([id, expect.toSatisfy(status => status < 300), said.json])
    return said.json
  }
  expect(await ok('whoAmI', { token })).toEqual({ openid, isAdmin: false })
  expect(await ok('whoAmI', { token: adminKey })).toEqual({ isAdmin: true })
  expect((await ok('refresh', { body: { refreshToken } })).openid).toBe(openid)

  // documents
  const { _id } = await ok('addDocument', { token, with: todos, body: { data: { n: 1, at: { $date: 5 } } } })
  const one = { ...todos, id: String(_id) }
  expect(await ok('getDocument', { token, with: one })).toEqual({
    data: { _id, _openid: openid, n: 1, at: { $date: 5 } },
  })
  await ok('setDocument', { token, with: { ...todos, id: 'b' }, body: { data: { n: 2 } } })
  await ok('updateDocument', { token, with: one, body: { changes: [['n', 'inc', 9]] } })
  await ok('updateDocument', { token, with: one, body: { data: { tag: { a: 1 } } } })
  const found = {
    where: [
      'and',
      [
        ['field', '_openid', ['eq', '{openid}']],
        ['field', 'n', ['gt', 1]],
      ],
    ],
    orderBy: [['n', 'desc']],
    limit: 5,
    fields: { n: true },
  }
  expect(await ok('query', { token, with: todos, body: found })).toEqual({
    data: [
      { _id, n: 10 },
      { _id: 'b', n: 2 },
    ],
  })
  expect(await ok('count', { token, with: todos, body: { where: { n: 2, ...mine } } })).toEqual({ total: 1 })
  const stages = [
    ['match', ['field', 'n', ['gt', 0]]],
    ['group', { by: ['value', null], fields: [['sum', 'sum', ['path', 'n']]] }],
  ]
  expect(await ok('aggregate', { token, with: { collection: 'counted' }, body: { stages } })).toEqual({
    data: [],
  })
  expect(
    await ok('updateMatching', {
      token,
      with: todos,
      body: { where: { _openid: '{openid}' }, data: { done: true } },
    }),
  ).toEqual({ updated: 2, removed: 0 })
  expect(
    await ok('batch', {
      token,
      body: {
        writes: [
          { op: 'add', ...todos, data: { n: 7 } },
          { op: 'remove', ...todos, id: 'b' },
        ],
      },
    }),
  ).toEqual({ ids: [expect.any(String), 'b'], created: 1, updated: 0, removed: 1 })
  expect(await ok('removeDocument', { token, with: one })).toEqual({ updated: 0, removed: 1 })
  expect(await ok('removeDocument', { token, with: one })).toEqual({ updated: 0, removed: 0 })
  expect(
    await ok('removeMatching', { token, with: todos, body: { where: { _openid: '{openid}' } } }),
  ).toEqual({
    updated: 0,
    removed: 1,
  })

  // functions and files
  expect(
    (await ok('callFunction', { token, with: { name: 'double' }, body: { data: { n: 4 } } })).result,
  ).toEqual({ twice: 8 })
  const bytes = new TextEncoder().encode('hello')
  const { fileID } = await ok('uploadFile', {
    token,
    with: { path: 'a/hello.txt' },
    body: bytes,
    headers: { 'content-type': 'text/plain' },
  })
  const { fileList } = await ok('fileUrls', { token, body: { files: [{ fileID, maxAge: 60 }] } })
  expect(await (await fetch(server.url + fileList[0].tempFileURL)).text()).toBe('hello')
  const sha256 = '2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824'
  const begun = await ok('beginUpload', { token, body: { path: 'b.txt', size: 5, sha256 } })
  const part = await fetch(server.url + begun.uploadUrl, {
    method: 'PUT',
    headers: { 'upload-offset': '0' },
    body: bytes,
  })
  expect(await part.json()).toEqual({ fileID: begun.fileID })
  expect(
    (await ok('deleteFiles', { token, body: { files: [fileID, 'cloud://x.y/z'] } })).fileList,
  ).toMatchObject([{ status: 0 }, { status: -503003 }])

  // by name
  const anna = { username: 'anna', password: 'correct horse' }
  await ok('signUp', { body: anna })
  await ok('signIn', { body: anna })
  const changed = await ok('changePassword', { body: { ...anna, newPassword: 'battery staple' } })
  expect(changed).toMatchObject({ uid: 'pw:anna', expiresIn: 7200 })

  // the operator
  const admin = { token: adminKey }
  await ok('addUser', { ...admin, body: { username: 'bert', password: 'correct horse' } })
  await ok('setPassword', { ...admin, with: { username: 'bert' }, body: { password: 'battery staple' } })
  const { ticket } = await ok('createTicket', { ...admin, with: { uid: 'carla' }, body: {} })
  expect(await ok('signInByTicket', { body: { ticket } })).toMatchObject({ uid: 'carla' })
  expect((await ok('listUsers', admin)).users.map((each: { uid: string }) => each.uid)).toEqual([
    'carla',
    'pw:anna',
    'pw:bert',
  ])
  const roles = {
    ...admin,
    with: { uid: 'carla' },
    body: { grant: ['editor', 'reader'], revoke: ['reader'] },
  }
  expect(await ok('changeRoles', roles)).toEqual({ roles: ['editor', 'reader'] })
  expect((await ok('listUsers', admin)).users[0]).toMatchObject({ uid: 'carla', roles: ['editor', 'reader'] })
  await ok('endSessions', { ...admin, with: { uid: 'carla' } })
  await ok('deleteUser', { ...admin, with: { uid: 'carla' } })
  await ok('addDocument', { ...admin, with: { collection: 'open' }, body: { data: { _id: 7, n: 1 } } })
  expect(await ok('getDocument', { with: { collection: 'open', id: '7', idType: 'number' } })).toEqual({
    data: { _id: 7, n: 1 },
  })
  expect((await ok('listCollections', admin)).collections).toContainEqual({ name: 'open', documents: 1 })
  await ok('createIndex', { ...admin, with: { collection: 'open' }, body: { name: 'byN', keys: [['n', 1]] } })
  expect((await ok('listIndexes', { ...admin, with: { collection: 'open' } })).indexes).toMatchObject([
    { name: 'byN' },
  ])
  expect(
    await ok('explain', { ...admin, with: { collection: 'open' }, body: { where: { n: 1 } } }),
  ).toMatchObject({ plan: 'index' })
  await ok('dropIndex', { ...admin, with: { collection: 'open', name: 'byN' } })
  expect((await ok('listFiles', admin)).files).toMatchObject([{ path: 'b.txt' }])
  expect(await ok('listTriggers', admin)).toEqual({ timers: [], deadLetters: [] })
  await ok('sendToQueue', { ...admin, with: { queue: 'mails' }, body: { data: { to: 'anna' } } })

  // and those for which something has to be there first are told apart from those that are not there
  const letter = { ...admin, body: { function: 'f', trigger: 't', id: 'x' } }
  expect((await api.ask('replayDeadLetter', letter)).json.code).toBe('INVALID_PARAM')
  expect((await api.ask('discardDeadLetter', letter)).json.code).toBe('INVALID_PARAM')
  expect((await api.ask('signInByWechat', { body: { code: 'x' } })).status).toBe(404)
  const others = ['replayDeadLetter', 'discardDeadLetter', 'signInByWechat']
  expect([...api.answered, ...others].sort()).toEqual([...api.operations].sort())
})

test('[OPS-33] all files, whoever they are of, are told to the operator, a page at a time, and to nobody else', async () => {
  const { api, anonymous, adminKey } = await startApi(onTestFinished)
  const anna = await anonymous()
  const put = (token: string, path: string) =>
    api.ask('uploadFile', {
      token,
      with: { path },
      body: new TextEncoder().encode(path),
      headers: { 'content-type': 'text/plain' },
    })
  await put(anna.accessToken, 'hers.txt')
  await put(adminKey, 'of the operator.txt')
  const { json } = await api.ask('listFiles', { token: adminKey })
  const [hers, own] = ['hers.txt', 'of the operator.txt'].map(path =>
    json.files.find((each: { path: string }) => each.path === path),
  )
  expect(hers).toMatchObject({ size: 8, contentType: 'text/plain', openid: anna.openid })
  expect(own).toMatchObject({ size: 19, fileID: 'cloud://default.nearcloud/of the operator.txt' })
  expect(own).not.toHaveProperty('openid')
  expect((await api.ask('listFiles', { token: adminKey, with: { after: json.after } })).json).toEqual({
    files: [],
  })
  expect((await api.ask('listFiles', { token: anna.accessToken })).status).toBe(403)
  expect((await api.ask('listFiles', {})).status).toBe(401)
})

test('[HTTPAPI-3] the rules judge what is asked over HTTP like everything', async () => {
  const { api, anonymous, adminKey } = await startApi(onTestFinished)
  const [anna, bert] = [await anonymous(), await anonymous()]
  const todos = { collection: 'todos' }
  const { json: mine } = await api.ask('addDocument', {
    token: anna.accessToken,
    with: todos,
    body: { data: { secret: 'sesame' } },
  })
  const one = { ...todos, id: String(mine._id) }
  const asBert = async (id: string, ask: object) => {
    const said = await api.ask(id, { token: bert.accessToken, ...ask })
    expect(JSON.stringify(said.json)).not.toContain('sesame')
    return said.status
  }
  expect(await asBert('getDocument', { with: one })).toBe(404)
  expect(await asBert('query', { with: todos, body: {} })).toBe(403)
  expect(await asBert('count', { with: todos, body: {} })).toBe(403)
  expect(await asBert('removeMatching', { with: todos, body: { where: {} } })).toBe(403)
  const own = { where: { _openid: '{openid}' } }
  expect((await api.ask('query', { token: bert.accessToken, with: todos, body: own })).json.data).toEqual([])
  expect((await api.ask('count', { token: bert.accessToken, with: todos, body: own })).json.total).toBe(0)
  expect(await asBert('updateDocument', { with: one, body: { data: { a: 1 } } })).toBe(403)
  expect(await asBert('setDocument', { with: one, body: { data: {} } })).toBe(403)
  expect(await asBert('removeDocument', { with: one })).toBe(403)
  expect(
    await asBert('batch', {
      body: {
        writes: [
          { op: 'add', ...todos, data: {} },
          { op: 'remove', ...todos, id: mine._id },
        ],
      },
    }),
  ).toBe(403)
  expect(
    (await api.ask('removeMatching', { token: bert.accessToken, with: todos, body: own })).json.removed,
  ).toBe(0)
  expect(await asBert('addDocument', { with: todos, body: { data: { _openid: anna.openid } } })).toBe(400)
  expect(await asBert('addDocument', { with: { collection: 'open' }, body: { data: {} } })).toBe(403)
  expect(await asBert('callFunction', { with: { name: 'secret' } })).toBe(403)
  expect(await asBert('callFunction', { with: { name: 'double' }, body: { openid: anna.openid } })).toBe(400)
  for (const collection of ['_jobs', '_indexes', '_x']) {
    expect(await asBert('query', { with: { collection }, body: {} }), collection).toBe(400)
    expect(await asBert('addDocument', { with: { collection }, body: { data: {} } }), collection).toBe(400)
  }
  // a stranger reads what everybody may read, and writes nothing
  expect((await api.ask('query', { with: { collection: 'open' }, body: {} })).status).toBe(200)
  expect((await api.ask('query', { with: { collection: 'counted' }, body: {} })).status).toBe(403)
  expect((await api.ask('addDocument', { with: todos, body: { data: {} } })).status).toBe(401)
  expect((await api.ask('query', { token: adminKey, with: todos, body: {} })).json.data).toHaveLength(1)
})

test('[HTTPAPI-4] what is written over HTTP is told to who watches, and found by every other way', async () => {
  const { api, server, anonymous } = await startApi(onTestFinished)
  const { accessToken: token, openid } = await anonymous()
  const seen: unknown[] = []
  const todos = server.database().collection('todos')
  const watch = todos.watch({
    onChange: ({ docs }) => seen.push(docs.map(each => each.n)),
    onError: error => seen.push(error),
  })
  onTestFinished(() => watch.close() as never)
  await expect.poll(() => seen).toEqual([[]])
  await api.ask('addDocument', { token, with: { collection: 'todos' }, body: { data: { _id: 'x', n: 1 } } })
  await expect.poll(() => seen).toEqual([[], [1]])
  expect((await todos.doc('x').get()).data).toEqual({ _id: 'x', _openid: openid, n: 1 })
})

test('[HTTPAPI-5] a write with an idempotency-key happens once, also over a restart, and its key is for nothing else', async () => {
  const { api, project, server, anonymous, adminKey } = await startApi(onTestFinished)
  const { accessToken: token } = await anonymous()
  const todos = { collection: 'todos' }
  const headers = { 'idempotency-key': 'order-0001' }
  const add = { token, with: todos, headers, body: { data: { n: 1 } } }
  const [first, second] = await Promise.all([api.ask('addDocument', add), api.ask('addDocument', add)])
  expect(first.json).toEqual(second.json)
  const changed = await api.ask('addDocument', { ...add, body: { data: { n: 2 } } })
  expect([changed.status, changed.json.details]).toEqual([422, { reason: 'key' }])
  // another user's key of the same name is another key
  const { accessToken: other } = await anonymous()
  expect((await api.ask('addDocument', { ...add, token: other })).json._id).not.toBe(first.json._id)
  // what a change matches changes with it, and the second time it would match nothing
  const done = {
    token,
    with: todos,
    headers: { 'idempotency-key': 'done-0001' },
    body: { where: { n: 1, _openid: '{openid}' }, data: { n: 2 } },
  }
  expect((await api.ask('updateMatching', done)).json).toEqual({ updated: 1, removed: 0 })
  expect((await api.ask('updateMatching', done)).json).toEqual({ updated: 1, removed: 0 })
  // a refusal is not kept
  const locked = {
    with: { collection: 'open', id: 'a' },
    headers: { 'idempotency-key': 'open-0001' },
    body: { data: { n: 1 } },
  }
  expect((await api.ask('setDocument', { ...locked, token })).status).toBe(403)
  expect((await api.ask('setDocument', { ...locked, token: adminKey })).status).toBe(200)
  expect((await api.ask('addDocument', { ...add, headers: { 'idempotency-key': 'a b' } })).status).toBe(400)
  await server.stop()
  const again = await startApi(onTestFinished, { dataFolder: join(project, '.nearcloud') })
  expect((await again.api.ask('addDocument', add)).json).toEqual(first.json)
  expect((await again.api.ask('updateMatching', done)).json).toEqual({ updated: 1, removed: 0 })
  expect(
    (await again.api.ask('query', { token, with: todos, body: { where: { _openid: '{openid}' } } })).json
      .data,
  ).toMatchObject([{ n: 2 }])
})

test('[HTTPAPI-6] a call of a function with a key begins once', async () => {
  const { api, anonymous } = await startApi(
    onTestFinished,
    {},
    {
      'cloudfunctions/count/index.js': 'let n = 0\nexports.main = () => ++n',
    },
  )
  const { accessToken: token } = await anonymous()
  const ask = { token, with: { name: 'count' }, headers: { 'idempotency-key': 'call-0001' } }
  const first = await api.ask('callFunction', ask)
  expect((await api.ask('callFunction', ask)).json).toEqual(first.json)
  const failed = await api.ask('callFunction', { token, with: { name: 'breaks' } })
  expect([failed.status, failed.json.code]).toEqual([502, 'FUNCTIONS_EXECUTE_FAIL'])
  expect((await api.ask('callFunction', { token, with: { name: 'nothing' } })).status).toBe(404)
})

test('[HTTPAPI-7] tokens that do not hold are refused everywhere, and the admin key is the folder’s alone', async () => {
  const { api, anonymous, server, adminKey } = await startApi(onTestFinished)
  const { accessToken, refreshToken } = await anonymous()
  const odd = [
    '',
    'x',
    refreshToken,
    `${accessToken}x`,
    accessToken.slice(0, -4),
    `${adminKey}x`,
    adminKey.slice(0, -1),
    'x'.repeat(9_000),
  ]
  for (const token of odd) {
    const said = await api.ask('query', { token, with: { collection: 'open' }, body: {} })
    expect([said.status, said.json.code, said.headers.get('www-authenticate')], token).toEqual([
      401,
      'TOKEN_REFUSED',
      'Bearer',
    ])
  }
  expect((await api.ask('listUsers')).status).toBe(401)
  expect((await api.ask('listUsers', { token: accessToken })).status).toBe(403)
  expect((await api.ask('refresh', { body: { refreshToken: accessToken } })).status).toBe(401)
  const wrong = await api.ask('signIn', { body: { username: 'nobody', password: 'correct horse' } })
  expect([wrong.status, wrong.json.details.reason]).toEqual([401, 'password'])
  // who was ended is out, by every token
  await api.ask('signUp', { body: { username: 'anna', password: 'correct horse' } })
  const anna = (await api.ask('signIn', { body: { username: 'anna', password: 'correct horse' } })).json
  await api.ask('endSessions', { token: adminKey, with: { uid: 'pw:anna' } })
  expect((await api.ask('whoAmI', { token: anna.accessToken })).status).toBe(401)
  expect((await api.ask('refresh', { body: { refreshToken: anna.refreshToken } })).status).toBe(401)
  expect((await api.ask('signUp', { body: { username: 'anna', password: 'correct horse' } })).status).toBe(
    409,
  )
  expect(readFileSync(join(server.dataFolder, 'admin-key'), 'utf8')).toBe(`${adminKey}\n`)
})

test('[HTTPAPI-8] an admin key that others can read, or that is none, stops the start; a removed one is made anew', async () => {
  const { server, project, adminKey } = await startApi(onTestFinished)
  await server.stop()
  const { chmodSync, rmSync } = await import('node:fs')
  const dataFolder = join(project, '.nearcloud')
  const file = join(dataFolder, 'admin-key')
  chmodSync(file, 0o644)
  await expect(createServer({ dataFolder })).rejects.toMatchObject({
    code: 'SERVER_CONFIGURATION',
    errMsg: expect.stringContaining('chmod 600'),
  })
  chmodSync(file, 0o600)
  writeFileSync(file, 'password')
  await expect(createServer({ dataFolder })).rejects.toMatchObject({ code: 'SERVER_CONFIGURATION' })
  rmSync(file)
  const again = await createServer({ dataFolder })
  onTestFinished(() => again.stop())
  expect(readFileSync(file, 'utf8').trim()).not.toBe(adminKey)
})

test('[HTTPAPI-9] pages of origins that may not come in are refused, the others read the answer, and the operator’s part is for no foreign page', async () => {
  const { server, adminKey } = await startApi(onTestFinished, { door: { origins: ['https://app.example'] } })
  const ask = (origin: string, path: string, init: RequestInit = {}) =>
    fetch(`${server.url}/cloud/v1${path}`, {
      ...init,
      headers: {
        origin,
        authorization: `Bearer ${adminKey}`,
        'content-type': 'application/json',
        ...init.headers,
      },
    })
  const query = { method: 'POST', body: '{}' }
  const path = '/collections/open/query'
  const allowed = await ask('https://app.example', path, query)
  expect([allowed.status, allowed.headers.get('access-control-allow-origin')]).toEqual([200, '*'])
  const refused = await ask('https://evil.example', path, query)
  expect([refused.status, refused.headers.get('access-control-allow-origin')]).toEqual([403, null])
  expect((await ask('null', path, query)).status).toBe(403)
  const preflight = { method: 'OPTIONS', headers: { 'access-control-request-method': 'POST' } }
  const asked = await ask('https://app.example', path, preflight)
  expect(asked.headers.get('access-control-allow-headers')).toContain('idempotency-key')
  const admin = await ask('https://app.example', '/admin/users')
  expect([admin.status, admin.headers.get('access-control-allow-origin')]).toEqual([403, null])
  const adminPreflight = await ask('https://app.example', '/admin/users', preflight)
  expect(adminPreflight.headers.get('access-control-allow-origin')).toBeNull()
  expect((await ask(server.url, '/admin/users')).status).toBe(200)
})

test('[HTTPAPI-10] what is no address, no method or no parameter of the table is refused in JSON', async () => {
  const { server } = await startApi(onTestFinished)
  const ask = async (path: string, method = 'GET') => {
    const response = await fetch(`${server.url}/cloud/v1${path}`, { method })
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    expect(response.headers.get('cache-control')).toBe('no-store')
    return [response.status, response.headers.get('allow')]
  }
  expect(await ask('/nothing')).toEqual([404, null])
  expect(await ask('/auth/anonymous')).toEqual([405, 'POST'])
  expect(await ask('/collections/a/documents/b', 'POST')).toEqual([405, 'GET, PUT, PATCH, DELETE'])
  expect(await ask('/collections/open/documents/x?a=1')).toEqual([400, null])
  expect(await ask('/collections/open/documents/x?idType=string&idType=number')).toEqual([400, null])
  expect(await ask('/collections/open/documents/x?idType=number')).toEqual([400, null])
  expect(await ask('/collections/open/documents/%ff')).toEqual([400, null])
  expect(await ask('/collections/open/documents/x?__proto__=1')).toEqual([400, null])
})

test('[HTTPAPI-11] ids are what was meant, with every sign there is', async () => {
  const { api, adminKey: token } = await startApi(onTestFinished)
  for (const id of ['a/b', '%2F', '%25', 'ä ö?&#', '\u0000', '__proto__', '1', '🜁', ' ']) {
    const place = { collection: 'open', id }
    const set = await api.ask('setDocument', { token, with: place, body: { data: { id } } })
    expect(set.json, id).toEqual({ _id: id, created: 1, updated: 0 })
    expect((await api.ask('getDocument', { token, with: place })).json.data, id).toEqual({ _id: id, id })
  }
})

test('[HTTPAPI-12] keys are forgotten after a day, and what was decided under them', async () => {
  const { ManualClock } = await import('../testing/index.ts')
  const clock = new ManualClock(1_700_000_000_000)
  const folder = temporaryFolder(onTestFinished)
  const { api, adminKey: token } = await startApi(onTestFinished, { clock, dataFolder: folder })
  const add = {
    token,
    with: { collection: 'open' },
    headers: { 'idempotency-key': 'order-0001' },
    body: { data: {} },
  }
  const first = await api.ask('addDocument', add)
  clock.advance(23 * 3_600_000)
  expect((await api.ask('addDocument', add)).json).toEqual(first.json)
  clock.advance(2 * 3_600_000)
  await expect.poll(async () => (await api.ask('addDocument', add)).json._id).not.toBe(first.json._id)
})

test('[CHAIN-2] a refresh token that was followed by another ends its sign-in, and the access tokens of it', async () => {
  const { api } = await startApi(onTestFinished)
  const body = { username: 'anna', password: 'correct horse' }
  const first = (await api.ask('signUp', { body })).json
  const refresh = async (refreshToken: string) => (await api.ask('refresh', { body: { refreshToken } })).json
  const second = await refresh(first.refreshToken)
  // the answer may have been lost
  const again = await refresh(first.refreshToken)
  const third = await refresh(again.refreshToken)
  expect((await api.ask('whoAmI', { token: third.accessToken })).status).toBe(200)
  expect(await refresh(second.refreshToken)).toMatchObject({
    code: 'TOKEN_REFUSED',
    details: { reason: 'ended' },
  })
  for (const { accessToken } of [first, second, third])
    expect((await api.ask('whoAmI', { token: accessToken })).status).toBe(401)
  expect(await refresh(third.refreshToken)).toMatchObject({ code: 'TOKEN_REFUSED' })
  expect((await api.ask('signIn', { body })).status).toBe(200)
})
