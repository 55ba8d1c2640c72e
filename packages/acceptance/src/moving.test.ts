import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { dirname, join, resolve } from 'node:path'
import { runInNewContext } from 'node:vm'
import { createMiniCloud, type MiniCloud, wxHost } from '@nearcloud/miniprogram'
import { createServer } from '@nearcloud/server'
import { runNearcloud } from 'nearcloud'
import { expect, onTestFinished, test } from 'vitest'
import { testPhone } from './miniprogram/mini-app.ts'
import { testFolder } from './scenario/folder.ts'

const page = readFileSync(resolve(import.meta.dirname, '../../../docs/guide/moving.md'), 'utf8')
/** Fences whose language is followed by a name. */
const fences = new Map(
  [...page.matchAll(/^```\w+ (\S+)\n([\s\S]*?)^```$/gm)].map(fence => [fence[1]!, fence[2]!]),
)

/** WeChat's server: a code of the double names its user. */
async function wechat(): Promise<string> {
  const server = createHttpServer((request, response) => {
    const code = new URL(request.url ?? '', 'http://x').searchParams.get('js_code') ?? ''
    response.end(JSON.stringify({ openid: code.split('-')[0], session_key: 'k' }))
  })
  await new Promise<void>(done => server.listen(0, '127.0.0.1', done))
  onTestFinished(() => void server.close())
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

/** Resolves with what the command said. */
async function nearcloud(cwd: string, line: string): Promise<string> {
  const said: string[] = []
  const host = {
    cwd,
    hasColours: false,
    isTyped: false,
    variable: () => undefined,
    secret: async () => '',
    out: (text: string) => void said.push(text),
    err: (text: string) => void said.push(text),
    onStopAsked: () => () => undefined,
  }
  expect(await runNearcloud(line.split(' ').slice(1), host), said.join('\n')).toBe(0)
  return said.join('\n')
}

test('the page about moving is true: project, documents, files, functions and the app go on here', async () => {
  const project = testFolder('moving')
  expect([...fences.keys()]).toEqual([
    'rules.json',
    'nearcloud.json',
    'notes.json',
    'cloudfunctions/count/index.js',
    'miniprogram/app.js',
  ])
  const files = { ...Object.fromEntries(fences), 'storage/photos/milk.png': 'a picture' }
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(project, name)), { recursive: true })
    writeFileSync(join(project, name), text)
  }
  const { env, wechat: mini } = JSON.parse(fences.get('nearcloud.json')!)
  const server = await createServer({
    dataFolder: join(project, '.nearcloud'),
    project,
    env,
    wechat: { ...mini, secret: 's', baseUrl: await wechat() },
  })
  onTestFinished(() => server.stop())

  const [importLine] = /^nearcloud import .*$/m.exec(page)!
  expect(await nearcloud(project, importLine)).toContain('Imported into notes: 2 new.')
  expect(await nearcloud(project, /^nearcloud files put .*$/m.exec(page)![0])).toContain('1 file put.')

  const wx = testPhone({ user: 'oAnna_5k3pQ8vT1mZ7cR2wX9yL4b' }).launch()
  const app = fences
    .get('miniprogram/app.js')!
    .replace(/^import .*$/m, '')
    .replace('https://cloud.example.com', server.url)
  const context = {
    wx,
    cloud: createMiniCloud(() => wxHost(wx)),
    App: (given: { onLaunch(): void }) => given.onLaunch(),
  }
  runInNewContext(app, context)
  const { cloud } = wx as unknown as { cloud: MiniCloud }
  onTestFinished(() => cloud.close().catch(() => undefined))
  const notes = cloud.database().collection('notes')
  const theirs = cloud.database().command.or([{ _openid: '{openid}' }, { shared: true }])
  const { data } = await notes.where(theirs).orderBy('_id', 'asc').get()
  expect(data).toMatchObject([
    { _id: 'n1', _openid: 'oAnna_5k3pQ8vT1mZ7cR2wX9yL4b', at: new Date('2024-05-01T08:00:00Z') },
    { _id: 'n2', _openid: 'oBert_8n2dF6hJ4sV9xB1gK7uM3q' },
  ])
  const photo = String((data[0] as { photo?: unknown }).photo)
  expect(photo).toBe('cloud://prod-1a.nearcloud/photos/milk.png')
  const { fileList } = await cloud.getTempFileURL({ fileList: [photo] })
  expect(await (await fetch(fileList[0]!.tempFileURL)).text()).toBe('a picture')
  expect((await cloud.callFunction({ name: 'count', data: {} })).result).toEqual({ total: 1 })

  // everybody owns what they owned
  await notes.doc('n1').update({ data: { text: 'milk, two' } })
  await cloud.whenSynced()
  await expect(notes.doc('n2').update({ data: { text: 'mine' }, wait: 'server' })).rejects.toMatchObject({
    code: 'DATABASE_PERMISSION_DENIED',
  })
})
