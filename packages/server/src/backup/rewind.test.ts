import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { DocId, Document, Write } from '@nearcloud/protocol'
import { expect, onTestFinished, test } from 'vitest'
import { createServer, type NearcloudServer, type ServerOptions } from '../create-server.ts'
import { startProject } from '../functions/testing/start-project.ts'
import { ManualClock } from '../testing/manual-clock.ts'
import { OpenJudge } from '../testing/open-judge.ts'
import { restoreBackup } from './back-up.ts'

function newFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-rewind-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

const yesterday = () => new ManualClock(Date.now() - 86_400_000)

async function start(dataFolder: string, part: Partial<ServerOptions> = {}): Promise<NearcloudServer> {
  const server = await createServer({
    dataFolder,
    judge: new OpenJudge(),
    history: { maxBytes: 1e9 },
    ...part,
  })
  onTestFinished(() => server.stop())
  return server
}

async function documentsOf(
  server: NearcloudServer,
  ...collections: string[]
): Promise<Record<string, Document>> {
  const found: Record<string, Document> = {}
  for (const name of collections)
    for (const document of (await server.database().collection(name).limit(1_000).get()).data as Document[])
      found[`${name}/${document._id}`] = document
  return found
}

const commit = async (server: NearcloudServer, ...writes: Write[]) =>
  void (await server.executorFor({ kind: 'admin' }).commit({ writes }))

/** 0 to below `below`, the same for each seed. */
function diceOf(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648
    return Math.floor((state / 2_147_483_648) * below)
  }
}

test('[RESTORE-10] at any moment of the history everything is as it was then, after the last commit up to it', async () => {
  const root = newFolder()
  const clock = yesterday()
  const server = await start(join(root, 'data'), { clock })
  const dice = diceOf(7)
  const moments: { at: number; state: Record<string, Document> }[] = []
  for (let n = 0; n < 250; n++) {
    const collection = ['todos', 'notes'][dice(2)]!
    const id = `d${dice(12)}` as DocId
    const data = {
      n,
      list: Array.from({ length: dice(4) }, (_, at) => at),
      when: new Date(n),
      text: 'ß\u0000"',
    }
    const writes: Write[] = [
      { op: 'set', collection, id, data: dice(2) ? { ...data, _openid: `u${dice(3)}` } : data },
      {
        op: 'update',
        collection,
        id,
        changes: [
          ['n', 'inc', 1],
          ['deep.er', 'set', n],
        ],
      },
      { op: 'remove', collection, id },
      { op: 'set', collection: 'todos', id: n, data },
    ]
    await commit(server, writes[dice(3)]!, ...(dice(5) ? [] : [writes[3]!]))
    if (n % 90 === 12) moments.push({ at: clock.now(), state: await documentsOf(server, 'todos', 'notes') })
    clock.advance(1 + dice(1_000))
  }
  await server.backup(join(root, 'backup'))
  await server.stop()
  for (const [n, { at, state }] of moments.entries()) {
    const dataFolder = join(root, `restored${n}`)
    const { rewound } = await restoreBackup({ from: join(root, 'backup'), dataFolder, moment: at })
    expect(rewound!.commits).toBeGreaterThan(0)
    const restored = await start(dataFolder)
    expect(await documentsOf(restored, 'todos', 'notes')).toEqual(state)
    await restored.stop()
  }
})

test('[RESTORE-11] environments are apart: one goes back, the other stays', async () => {
  const root = newFolder()
  const data = join(root, 'data')
  const clock = yesterday()
  const add = (id: string): Write => ({ op: 'add', collection: 'todos', id, data: {} })
  for (const round of ['1', '2'])
    for (const env of ['a', 'b']) {
      const server = await start(data, { env, clock })
      await commit(server, add(round))
      if (round === '2' && env === 'b') await server.backup(join(root, 'backup'))
      await server.stop()
      clock.advance(10_000)
    }
  const moment = clock.now() - 25_000
  const from = join(root, 'backup')
  await expect(restoreBackup({ from, dataFolder: join(root, 'x'), moment, env: 'c' })).rejects.toThrow(
    'there is no environment "c" in it; there are a, b',
  )
  const restored = join(root, 'restored')
  await restoreBackup({ from, dataFolder: restored, moment, env: 'a' })
  const found: Record<string, string[]> = {}
  for (const env of ['a', 'b']) {
    const server = await start(restored, { env })
    found[env] = Object.keys(await documentsOf(server, 'todos')).sort()
    await server.stop()
  }
  expect(found).toEqual({ a: ['todos/1'], b: ['todos/1', 'todos/2'] })
})

test('[RESTORE-12] a moment that history does not reach, or that the backup has not seen, is refused, and nothing is touched', async () => {
  const root = newFolder()
  const clock = yesterday()
  const server = await start(join(root, 'data'), { clock, history: { maxAgeMs: 60_000 } })
  const first = clock.now()
  await commit(server, { op: 'add', collection: 'todos', id: 'a', data: {} })
  clock.advance(120_000)
  await commit(server, { op: 'add', collection: 'todos', id: 'b', data: {} })
  clock.advance(1_000)
  await commit(server, { op: 'add', collection: 'todos', id: 'c', data: {} })
  const admin = server.executorFor({ kind: 'admin' })
  clock.advance(31_000)
  await expect
    .poll(
      async () =>
        (
          await admin.run({
            verb: 'count',
            query: { collection: 'todos', where: ['and', []], orderBy: [], skip: 0 },
          })
        ).total,
    )
    .toBe(3)
  await server.stop()
  const again = await start(join(root, 'data'), { clock, history: { maxAgeMs: 60_000 } })
  await again.backup(join(root, 'backup'))
  const restore = (moment: number) =>
    restoreBackup({ from: join(root, 'backup'), dataFolder: join(root, 'restored'), moment })
  await expect(restore(first)).rejects.toThrow(
    /^the history of "default" begins at .*: for an earlier moment take a backup/,
  )
  await expect(restore(Date.now() + 60_000)).rejects.toThrow(/is of .*: for a later moment take a later one/)
  const { existsSync } = await import('node:fs')
  expect(existsSync(join(root, 'restored'))).toBe(false)
})

test('[RESTORE-13] who had changed places under a unique index changes back, and a text goes on as what it said', async () => {
  const root = newFolder()
  const clock = yesterday()
  const server = await start(join(root, 'data'), { clock })
  const users = server.database().collection('users')
  await users.createIndex({ keys: { mail: 1 }, name: 'mail', unique: true })
  const put = (id: string, mail: string): Write => ({ op: 'set', collection: 'users', id, data: { mail } })
  await commit(server, put('a', 'a@x'), put('b', 'b@x'))
  const db = server.database() as unknown as { Text(content: string): never }
  await server
    .database()
    .collection('pages')
    .add({ data: { _id: 'p', body: db.Text('first words') } })
  const moment = clock.now()
  clock.advance(5_000)
  await commit(server, put('a', 'c@x'))
  await commit(server, put('b', 'a@x'))
  await commit(server, put('a', 'b@x'))
  await commit(server, {
    op: 'update',
    collection: 'pages',
    id: 'p',
    changes: [['body', 'set', 'other words']],
  })
  await server.backup(join(root, 'backup'))
  await restoreBackup({ from: join(root, 'backup'), dataFolder: join(root, 'restored'), moment })
  const restored = await start(join(root, 'restored'))
  expect(await documentsOf(restored, 'users', 'pages')).toMatchObject({
    'users/a': { mail: 'a@x' },
    'users/b': { mail: 'b@x' },
    'pages/p': { body: 'first words' },
  })
  const refused = restored.executorFor({ kind: 'admin' }).commit({ writes: [put('c', 'a@x')] })
  await expect(refused).rejects.toThrow()
})

test('[RESTORE-14] triggers are told nothing of what is undone, nor of the undoing, and of what comes next', async () => {
  const config = { triggers: [{ name: 'on', type: 'database', config: { collection: 'todos' } }] }
  const files = {
    'cloudfunctions/counts/index.js':
      "const cloud = require('wx-server-sdk'); cloud.init(); exports.main = e => cloud.database().collection('seen').add({ data: { ids: e.dataList.map(d => d.docId), kinds: e.dataList.map(d => d.dataType) } })",
    'cloudfunctions/counts/config.json': JSON.stringify(config),
  }
  const clock = yesterday()
  const { server, project } = await startProject(onTestFinished, files, { clock, history: { maxBytes: 1e9 } })
  const seen = async (of: NearcloudServer) =>
    Object.values(await documentsOf(of, 'seen')).map(each =>
      (each as unknown as { ids: string[] }).ids.join(),
    )
  const moment = clock.now()
  clock.advance(1_000)
  await commit(server, { op: 'add', collection: 'todos', id: 'a', data: {} })
  await expect.poll(() => seen(server), { timeout: 20_000 }).toEqual(['a'])
  await server.stop()
  const { backUp } = await import('./back-up.ts')
  await backUp({ dataFolder: server.dataFolder, to: join(project, 'backup') })
  const dataFolder = join(project, 'restored')
  await restoreBackup({ from: join(project, 'backup'), dataFolder, moment })
  const restored = await start(dataFolder, { project })
  expect(await documentsOf(restored, 'todos', 'seen')).toEqual({})
  await commit(restored, { op: 'add', collection: 'todos', id: 'b', data: {} })
  await expect.poll(() => seen(restored), { timeout: 20_000 }).toEqual(['b'])
})

test('[RESTORE-14] of files the records go back where the bytes are there, and those that are gone are counted', async () => {
  const root = newFolder()
  const data = join(root, 'data')
  const clock = yesterday()
  const server = await start(data, { clock })
  const record = (blob: string): Write => ({
    op: 'add',
    collection: '_files',
    id: blob,
    data: { path: blob, blob },
  })
  await commit(server, record('aa1'), record('bb2'))
  mkdirSync(join(data, 'files', 'blobs', 'aa'), { recursive: true })
  writeFileSync(join(data, 'files', 'blobs', 'aa', 'aa1'), 'bytes')
  const moment = clock.now()
  clock.advance(1_000)
  for (const id of ['aa1', 'bb2']) await commit(server, { op: 'remove', collection: '_files', id })
  await server.backup(join(root, 'backup'))
  const { rewound } = await restoreBackup({
    from: join(root, 'backup'),
    dataFolder: join(root, 'restored'),
    moment,
  })
  expect(rewound).toEqual({ documents: 1, commits: 2, lostFiles: 1 })
  const restored = await start(join(root, 'restored'))
  const query = { collection: '_files', where: ['and', []], orderBy: [], skip: 0 } as const
  const { documents: records } = await restored.executorFor({ kind: 'admin' }).run({ verb: 'get', query })
  expect(records.map(({ _id }) => _id)).toEqual(['aa1'])
})
