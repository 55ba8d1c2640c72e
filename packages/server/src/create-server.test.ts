import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, expect, test } from 'vitest'
import { createServer, type NearcloudServer, type ServerOptions } from './create-server.ts'
import { systemClock } from './host.ts'
import { connectRaw } from './testing/connect-raw.ts'
import { OpenJudge } from './testing/open-judge.ts'
import { clientId, queryOf } from './testing/raw-client.ts'
import { mutationOf } from './testing/scenario.ts'

const root = mkdtempSync(join(tmpdir(), 'nearcloud-server-'))
const running: NearcloudServer[] = []
afterEach(async () => {
  for (const server of running.splice(0)) await server.stop()
})
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0

async function start(part: Partial<ServerOptions> = {}): Promise<NearcloudServer> {
  const server = await createServer({
    dataFolder: join(root, `data${folders++}`),
    judge: new OpenJudge(),
    ...part,
  })
  running.push(server)
  return server
}

test('two clients meet over real sockets: one writes, the other is told', async () => {
  const server = await start()
  const [a, b] = [await connectRaw(server), await connectRaw(server)]
  const welcome = await a.hello({ client: clientId('a') })
  await b.hello({ client: clientId('b') })
  b.subscribe(1)
  expect((await b.next('snapshot')).last).toBe(true)
  a.push(
    mutationOf(1, [{ op: 'add', collection: 'todos', id: 'x', data: { title: 'milk', public: true } }]),
    mutationOf(2, [{ op: 'add', collection: 'todos', id: 'y', data: { title: 'mine' } }]),
  )
  const { outcomes } = await a.next('pushed')
  expect(outcomes.map(each => each.status)).toEqual(['accepted', 'accepted'])
  const document = { _id: 'x', _openid: welcome.openid, title: 'milk', public: true }
  const own = await a.next('changes')
  expect(own).toMatchObject({ from: 0, to: 2, lastMutation: 2 })
  expect(own.items).toContainEqual(['todos', 1, document])
  const told = await b.next('changes')
  expect(told.items).toEqual([['todos', 1, document]])
  const admin = server.executorFor({ kind: 'admin' })
  expect((await admin.run({ verb: 'count', query: queryOf() })).total).toBe(2)
})

test('[SERVER-1] started again it has the same address, documents and identities', async () => {
  const dataFolder = join(root, 'again')
  const first = await start({ dataFolder })
  const client = await connectRaw(first)
  const before = await client.hello()
  client.push(mutationOf(1, [{ op: 'add', collection: 'todos', id: 'x', data: {} }]))
  await client.next('pushed')
  await first.stop()
  expect(client.heard.at(-1)).toMatchObject({ type: 'bye', retryAfterMs: expect.any(Number) })

  const second = await start({ dataFolder })
  expect(second.port).toBe(first.port)
  const again = await connectRaw(second)
  const after = await again.hello({
    token: before.token,
    epoch: before.epoch,
    viewKey: before.viewKey,
    version: 0,
  })
  expect(after).toMatchObject({
    openid: before.openid,
    epoch: before.epoch,
    lastMutation: 1,
    nonces: [[1, 'nonce1']],
    resumed: true,
  })
  expect((await again.next('changes')).items).toEqual([['todos', 1, { _id: 'x', _openid: before.openid }]])
})

test('[SERVER-1] started again it has the same indexes, and what expired meanwhile goes', async () => {
  const dataFolder = join(root, 'indexed')
  const first = await start({ dataFolder })
  const todos = first.database().collection('todos')
  await todos.createIndex({ keys: { at: 1 }, name: 'at', expireAfterSeconds: 3600 })
  await todos.createIndex({ keys: { n: -1 }, name: 'n', unique: true })
  await todos.add({ data: { _id: 'old', n: 1, at: new Date() } })
  await todos.add({ data: { _id: 'lasting', n: 2 } })
  await first.stop()

  const clock = { now: () => Date.now() + 3_600_000, after: systemClock.after }
  const second = await start({ dataFolder, clock })
  const again = second.database().collection('todos')
  while ((await again.count()).total > 1) await new Promise(resolve => setImmediate(resolve))
  expect(await again.where({ n: 2 }).explain()).toMatchObject({ plan: 'index', index: 'n' })
  await expect(again.add({ data: { n: 2 } })).rejects.toThrow('E11000')
  await again.add({ data: { n: 1 } })
})

test('[SERVER-2] a folder in use, a port in use and a folder that cannot be are one clear sentence', async () => {
  const dataFolder = join(root, 'held')
  const server = await start({ dataFolder })
  await expect(createServer({ dataFolder })).rejects.toMatchObject({
    code: 'SERVER_CONFIGURATION',
    errMsg: expect.stringMatching(/^the data folder .* is in use by another server/),
  })
  await expect(start({ port: server.port })).rejects.toMatchObject({
    code: 'SERVER_CONFIGURATION',
    errMsg: expect.stringMatching(/^port \d+ is in use/),
  })
  await expect(createServer({ dataFolder: '/proc/nowhere' })).rejects.toMatchObject({
    code: 'SERVER_CONFIGURATION',
    errMsg: expect.stringMatching(/cannot be written/),
  })
})

test('[SERVER-3] a start that fails leaves nothing behind', async () => {
  const server = await start()
  const dataFolder = join(root, 'failed')
  await expect(createServer({ dataFolder, port: server.port })).rejects.toThrow('in use')
  const again = await start({ dataFolder })
  expect(again.dataFolder).toBe(dataFolder)
})

test('[SERVER-4] health answers, a plain request at /sync does not hang', async () => {
  const server = await start()
  expect(await (await fetch(`${server.url}/health`)).json()).toEqual({ status: 'ok', env: 'default' })
  expect((await fetch(`${server.url}/sync`)).status).toBe(404)
})

test('[SERVER-5] the default rules are private: a stranger’s document is nobody else’s', async () => {
  const server = await createServer({ dataFolder: join(root, 'private') })
  running.push(server)
  const [a, b] = [await connectRaw(server), await connectRaw(server)]
  await a.hello({ client: clientId('a') })
  await b.hello({ client: clientId('b') })
  a.push(mutationOf(1, [{ op: 'add', collection: 'todos', id: 'x', data: { public: true } }]))
  expect((await a.next('pushed')).outcomes[0]).toMatchObject({ status: 'accepted' })
  b.subscribe(1)
  expect((await b.next('snapshot')).items).toEqual([])
  b.push(mutationOf(1, [{ op: 'update', collection: 'todos', id: 'x', changes: [['n', 'set', 1]] }]))
  expect((await b.next('pushed')).outcomes[0]).toMatchObject({ status: 'rejected' })
})

test('[SERVER-6] the lock names this process', async () => {
  const server = await start()
  const lock = JSON.parse(readFileSync(join(server.dataFolder, 'server.lock'), 'utf8'))
  expect(lock.pid).toBe(process.pid)
})
