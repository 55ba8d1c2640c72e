import { mkdtempSync, rmSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { createServer, type NearcloudServer, type ServerOptions } from '../create-server.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { type Sent, type Signing, signedFetch } from './testing/signed-fetch.ts'

async function opened(options: Partial<ServerOptions> = {}) {
  const root = mkdtempSync(join(tmpdir(), 'nearcloud-official-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const server = await createServer({ dataFolder: join(root, 'data'), ...options })
  onTestFinished(() => server.stop())
  const ask = (params: Record<string, unknown>, signing?: Signing) => signedFetch(server.sdk, params, signing)
  return { server, ask }
}

const adding = (id: string) => ({
  action: 'database.insertDocument',
  collectionName: 'todos',
  data: [JSON.stringify({ _id: id })],
})

async function idsIn(server: NearcloudServer): Promise<unknown[]> {
  return (await server.database().collection('todos').get()).data.map(({ _id }) => _id)
}

const withBody = (change: (body: Record<string, unknown>) => unknown): Signing => ({
  alter: sent => ({ ...sent, body: JSON.stringify(change(JSON.parse(sent.body))) }),
})

const withHeader = (name: string, change: (value: string) => string): Signing => ({
  alter: sent => ({ ...sent, headers: { ...sent.headers, [name]: change(sent.headers[name] ?? '') } }),
})

test('[OFFICIAL-8] what is not signed with a key of the server, in every part that counts, is refused', async () => {
  const { server, ask } = await opened()
  const forgeries: Record<string, Signing> = {
    'no signature': withHeader('authorization', () => ''),
    'a bearer token': withHeader('authorization', () => `Bearer ${server.sdk.secretKey}`),
    'a key that is unknown': withHeader('authorization', text => text.replace('=nc', '=xx')),
    'another signature': withHeader('authorization', text =>
      text.replace(/.$/, end => (end === '0' ? '1' : '0')),
    ),
    'a longer signature': withHeader('authorization', text => `${text}0`),
    'another time': withHeader('x-timestamp', text => String(Number(text) - 1)),
    'no time': withHeader('x-timestamp', () => 'soon'),
    'another date': withHeader('authorization', text => text.replace(/\/\d{4}/, '/1999')),
    'another document': withBody(body => ({ ...body, data: ['{"_id":"evil"}'] })),
    'a parameter more': withBody(body => ({ ...body, upsert: true })),
    'a parameter again in other letters': withBody(body => ({
      ...body,
      data: ['{"_id":"evil"}'],
      DATA: body.data,
    })),
    'a parameter less': withBody(({ data: _, ...body }) => body),
    'a parameter that the signature does not name': {
      alter: sent => ({
        ...sent,
        headers: { ...sent.headers, authorization: sent.headers.authorization!.replace('data;', '') },
      }),
    },
    'headers that leave out the host': withHeader('authorization', text =>
      text.replace('content-type;host', 'content-type'),
    ),
    'another address': { alter: (sent: Sent) => ({ ...sent, url: `${sent.url}1` }) },
  }
  for (const [title, signing] of Object.entries(forgeries))
    expect((await ask(adding('forged'), signing)).code, title).toBe('SIGN_PARAM_INVALID')
  const other = { ...server.sdk, secretKey: `${server.sdk.secretKey.slice(1)}x` }
  expect((await signedFetch(other, adding('forged'))).code).toBe('SIGN_PARAM_INVALID')
  expect(await idsIn(server)).toEqual([])
  expect(await ask(adding('signed'))).toMatchObject({ data: { insertedIds: ['signed'] } })
})

test('[OFFICIAL-9] a request is good once, for ten minutes, and never before the server started', async () => {
  const clock = new ManualClock(1_700_000_000_000)
  const { server, ask } = await opened({ clock })
  const seconds = () => Math.floor(clock.now() / 1_000)
  let sent: Sent | undefined
  const keep = { seconds: seconds(), alter: (each: Sent) => (sent = each) }
  expect(await ask(adding('once'), keep)).toHaveProperty('data')
  const again = async () => {
    const { url, headers, body } = sent!
    const response = await fetch(url, { method: 'POST', headers, body })
    return ((await response.json()) as { code?: string }).code
  }
  expect(await again()).toBe('SIGN_PARAM_INVALID')
  expect((await ask(adding('early'), { seconds: seconds() - 60 })).code).toBe('SIGN_PARAM_INVALID')
  for (let minutes = 1; minutes <= 45; minutes += 4) {
    clock.advance(4 * 60_000)
    expect(await again(), `${minutes} minutes later`).toBe('SIGN_PARAM_INVALID')
    expect(await ask(adding(`m${minutes}`), { seconds: seconds() })).toHaveProperty('data')
  }
  expect((await ask(adding('old'), { seconds: seconds() - 601 })).code).toBe('SIGN_PARAM_INVALID')
  expect((await ask(adding('ahead'), { seconds: seconds() + 601 })).code).toBe('SIGN_PARAM_INVALID')
  expect(await ask(adding('rather old'), { seconds: seconds() - 599 })).toHaveProperty('data')
  expect((await idsIn(server)).filter(id => ['early', 'old', 'ahead'].includes(String(id)))).toEqual([])
})

test('[OFFICIAL-8] a web page is told that this is not for it', async () => {
  const { server, ask } = await opened()
  const page = withHeader('origin', () => 'https://app.example')
  expect((await ask(adding('x'), page)).code).toBe('INVALID_REQUEST_SOURCE')
  expect(await idsIn(server)).toEqual([])
})

test('[OFFICIAL-10] a body that is no request is refused, and the next one is served', async () => {
  const { ask } = await opened()
  const bodies = {
    'no JSON': '{',
    'a list': '[]',
    'a key twice': '{"action":"a","action":"b"}',
    'a way to the prototype': '{"__proto__":{"action":"x"}}',
    'a deep one': `{"a":${'['.repeat(5_000)}${']'.repeat(5_000)}}`,
    nothing: '',
    'a large one': `{"a":"${'x'.repeat(9_000_000)}"}`,
  }
  for (const [title, body] of Object.entries(bodies))
    expect((await ask(adding('x'), { alter: sent => ({ ...sent, body }) })).code, title).toMatch(
      /^(INVALID_PARAM|PROTOCOL_ERROR|SIGN_PARAM_INVALID)$/,
    )
  expect(await ask(adding('x'))).toHaveProperty('data')
})

test('[OFFICIAL-10] every action refuses every junk, in words that are meant for its caller', async () => {
  const { ask, server } = await opened()
  await server
    .database()
    .collection('todos')
    .add({ data: { _id: 'x', n: 1 } })
  const parametersOf: Record<string, string[]> = {
    'database.insertDocument': ['collectionName', 'data', 'transactionId'],
    'database.getDocument': ['collectionName', 'query', 'order', 'projection', 'offset', 'limit'],
    'database.calculateDocument': ['query'],
    'database.modifyDocument': ['query', 'data'],
    'database.modifyAndReturnDoc': ['query', 'data'],
    'database.removeDocument': ['query', 'transactionId'],
    'database.aggregateDocuments': ['collectionName', 'stages'],
    'database.addCollection': ['collectionName'],
    'database.commitTransaction': ['transactionId'],
    'functions.invokeFunction': ['function_name', 'request_data'],
    'storage.getUploadMetadata': ['path'],
    'storage.batchGetDownloadUrl': ['file_list'],
    'storage.batchDeleteFile': ['fileid_list'],
    constructor: ['query'],
    'database.somethingElse': ['query'],
  }
  const junk: readonly unknown[] = [
    7,
    true,
    {},
    [],
    [null],
    [[]],
    ['{'],
    '{',
    '[]',
    '"x"',
    '7',
    '{"$where":"1"}',
    '{"a":{"$function":{}}}',
    '{"$and":1}',
    '{"a":{"$gt":1,"b":2}}',
    '{"_id":{"$oid":1}}',
    '{"a":{"$date":"never"}}',
    '{"a":{"$regularExpression":{"pattern":"(","options":"q"}}}',
    '{"$expr":{"$pipeline":[]}}',
    '{"$expr":{"$constructor":[]}}',
    '\ud800',
    '../x',
    'x'.repeat(1_000),
  ]
  const asked: Promise<void>[] = []
  for (const [action, names] of Object.entries(parametersOf))
    for (const name of names)
      for (const value of junk) {
        const usual = { collectionName: 'junk', query: '{"_id":"none"}', data: '{"$set":{"a":1}}' }
        const check = async () => {
          const { code, message, requestId } = await ask({ action, ...usual, [name]: value })
          expect(code, `${action} ${name} ${JSON.stringify(value)}: ${message}`).not.toBe('SYS_ERR')
          expect(requestId).toMatch(/^[0-9a-f]{32}$/)
        }
        asked.push(check())
        if (asked.length === 50) await Promise.all(asked.splice(0))
      }
  await Promise.all(asked)
  expect((await server.database().collection('todos').get()).data).toEqual([{ _id: 'x', n: 1 }])
})

test('[OFFICIAL-10] stages that write, and operators that run code, do not exist', async () => {
  const { ask } = await opened()
  for (const stage of ['$out', '$merge', '$function', '$collStats', '$currentOp', '$constructor']) {
    const stages = [{ stageKey: stage, stageValue: '{}' }]
    const { code } = await ask({ action: 'database.aggregateDocuments', collectionName: 'todos', stages })
    expect(code, stage).toBe('DATABASE_INVALID_OPERRATOR')
  }
})

test('[OFFICIAL-11] a file in one go is there whole or not at all, and only with leave for it', async () => {
  const { ask, server } = await opened()
  const { data } = (await ask({ action: 'storage.getUploadMetadata', path: 'a.txt' })) as {
    data: { url: string; fileId: string }
  }
  const isThere = async () => {
    const { data: list } = (await ask({
      action: 'storage.batchGetDownloadUrl',
      file_list: [{ fileid: data.fileId }],
    })) as {
      data: { download_list: { code: string; tempFileURL: string }[] }
    }
    return list.download_list[0]!
  }
  const { pathname, port } = new URL(data.url)
  const half = (head: string, body: string) =>
    new Promise<void>(resolve => {
      const socket = connect(Number(port), '127.0.0.1', () => {
        socket.write(`PUT ${pathname} HTTP/1.1\r\nHost: x\r\n${head}\r\n\r\n${body}`, () =>
          setImmediate(() => socket.destroy()),
        )
      })
      socket.on('close', () => resolve())
      socket.on('error', () => {})
    })
  await half('Content-Length: 100', 'half of it')
  await half('Transfer-Encoding: chunked', '5\r\nhello\r\n')
  const wrong = await fetch(`${data.url.slice(0, -1)}${data.url.endsWith('A') ? 'B' : 'A'}`, {
    method: 'PUT',
    body: 'evil',
  })
  expect(wrong.status).toBe(403)
  expect(await wrong.text()).toContain('<Error><Code>SignatureDoesNotMatch</Code>')
  expect((await isThere()).code).toBe('STORAGE_FILE_NONEXIST')
  const sent = await fetch(data.url, { method: 'PUT', body: 'hello' })
  expect([sent.status, await sent.text()]).toEqual([200, ''])
  const { code, tempFileURL } = await isThere()
  expect(code).toBe('SUCCESS')
  expect(await (await fetch(encodeURI(tempFileURL))).text()).toBe('hello')
  expect(server.sdk.serviceUrl.startsWith(new URL(tempFileURL).origin)).toBe(true)
})

test('[OFFICIAL-25] a key that is shown whole lets in, and nothing that is almost one', async () => {
  const { server } = await opened()
  const { serviceUrl, secretId, secretKey } = server.sdk
  const ask = async (authorization: string, headers: Record<string, string> = {}) => {
    const body = JSON.stringify({ envName: 'default', ...adding('x') })
    const response = await fetch(serviceUrl, { method: 'POST', headers: { authorization, ...headers }, body })
    return (await response.json()) as { code?: string }
  }
  const other = (await opened()).server.sdk
  const good = `Bearer ${secretId}.${secretKey}`
  for (const wrong of [
    'Bearer ',
    'Bearer .',
    `Bearer ${secretId}`,
    `Bearer ${secretId}.`,
    `Bearer ${secretKey}`,
    `Bearer .${secretKey}`,
    `Bearer ${secretKey}.${secretId}`,
    `${good}x`,
    `${good} `.replace('Bearer ', 'Basic '),
    good.slice(0, -1),
    good.toLowerCase(),
    `Bearer ${secretId}.${other.secretKey}`,
    `Bearer ${other.secretId}.${other.secretKey}`,
    `Bearer __proto__.${secretKey}`,
    `Bearer ${'x'.repeat(5_000)}.${secretKey}`,
  ])
    expect((await ask(wrong)).code, wrong.slice(0, 100)).toBe('SIGN_PARAM_INVALID')
  expect((await ask(good, { origin: 'https://evil.example' })).code).toBe('INVALID_REQUEST_SOURCE')
  expect(await idsIn(server)).toEqual([])
  expect((await ask(good)).code).toBeUndefined()
  expect(await idsIn(server)).toEqual(['x'])
})
