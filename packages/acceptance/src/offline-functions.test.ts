import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { InitOptions } from '@nearcloud/client'
import type { NearcloudServer } from '@nearcloud/server'
import { build } from 'esbuild'
import { expect, onTestFinished, test } from 'vitest'
import { testFolder } from './scenario/folder.ts'
import { startServer } from './scenario/server.ts'

/*
 * The function `addNote` of the example, in an app as a bundler puts it together: its `wx-server-sdk` is the client's. The server is
 * real, and runs the same file.
 */
const project = join(import.meta.dirname, '../../../examples/cloudfunctions')

type App = typeof import('@nearcloud/node') & { readonly functions: NonNullable<InitOptions['functions']> }

/** All of the app in one file. */
async function bundledApp(): Promise<App> {
  const outfile = join(testFolder('app'), 'app.mjs')
  const contents = `
    import * as addNote from ${JSON.stringify(join(project, 'cloudfunctions/addNote/index.js'))}
    import { offlineFunctions } from '@nearcloud/client/offline-functions'
    export { createCloud } from '@nearcloud/node'
    export const functions = offlineFunctions({ addNote })`
  const beside = createRequire(join(import.meta.dirname, '../../node/package.json'))
  await build({
    stdin: { contents, resolveDir: import.meta.dirname },
    bundle: true,
    format: 'esm',
    platform: 'node',
    conditions: ['source'],
    alias: { 'wx-server-sdk': '@nearcloud/client/offline-functions' },
    absWorkingDir: import.meta.dirname,
    plugins: [
      {
        name: 'what is no part of the app',
        setup: ({ onResolve }) =>
          onResolve({ filter: /^(ws|@photostructure\/sqlite)$/ }, ({ path }) => ({
            path: pathToFileURL(beside.resolve(path)).href,
            external: true,
          })),
      },
    ],
    outfile,
  })
  return (await import(pathToFileURL(outfile).href)) as App
}

async function setUp() {
  const server = await startServer({ project, rules: null })
  const folder = testFolder('phone')
  const { createCloud, functions } = await bundledApp()
  const open = () => {
    const phone = createCloud({ folder })
    onTestFinished(() => phone.close())
    phone.init({ endpoint: server.url, subscribe: { notes: true, diaries: true }, functions })
    return phone
  }
  const phone = open()
  await phone.whenSynced()
  return { server, phone, open }
}

type Phone = ReturnType<Awaited<ReturnType<typeof setUp>>['open']>

const write = async (phone: Phone, text: string) =>
  (await phone.callFunction({ name: 'addNote', data: { text } })).result

async function notesOf(from: Phone | NearcloudServer): Promise<unknown[]> {
  const { data } = await from.database().collection('notes').orderBy('text', 'asc').get()
  return data.map(({ _id, text }) => ({ _id, text }))
}

test('a function runs on the device without a network, outlives the app, and is on the server what it was here', async () => {
  const { server, phone, open } = await setUp()
  phone.goOffline()
  const ids = [await write(phone, 'a'), await write(phone, 'b')]
  const notes = [
    { _id: ids[0], text: 'a' },
    { _id: ids[1], text: 'b' },
  ]
  expect(await notesOf(phone)).toEqual(notes)
  expect(await notesOf(server)).toEqual([])
  await phone.close()

  const again = open()
  again.goOffline()
  expect(await notesOf(again)).toEqual(notes)
  const called: unknown[] = []
  again.on('called', ({ result, error }) => called.push(error ?? result))
  again.goOnline()
  await again.whenSynced()
  expect(called).toEqual(ids)
  expect(await notesOf(server)).toEqual(notes)
  expect(await notesOf(again)).toEqual(notes)
  expect((await server.database().collection('diaries').get()).data).toMatchObject([{ notes: 2 }])
})

test('online nobody sees an effect twice, or not at all for a moment', async () => {
  const { server, phone } = await setUp()
  const counts: number[] = []
  const lists: number[] = []
  const seen = new Promise<void>((resolve, reject) => {
    const onError = reject
    phone
      .database()
      .collection('diaries')
      .watch({
        onError,
        onChange: ({ docs }) => {
          counts.push(Number(docs[0]?.notes ?? 0))
          if (docs[0]?.notes === rounds) resolve()
        },
      })
    phone
      .database()
      .collection('notes')
      .watch({ onError, onChange: ({ docs }) => lists.push(docs.length) })
  })
  const rounds = 20
  for (let round = 0; round < rounds; round++) {
    await write(phone, `note ${round}`)
    if (round % 5 === 4) await phone.whenSynced()
  }
  await phone.whenSynced()
  await seen
  const grows = (numbers: number[]) => numbers.every((n, at) => at === 0 || n >= numbers[at - 1]!)
  expect([grows(counts), grows(lists)]).toEqual([true, true])
  expect([Math.max(...counts), Math.max(...lists)]).toEqual([rounds, rounds])
  expect(phone.status()).toMatchObject({ calls: 0, pending: 0 })
  const { total } = await server.database().collection('notes').count()
  expect(total).toBe(rounds)
})

test('what it throws of its data alone comes without the server', async () => {
  const { phone } = await setUp()
  phone.goOffline()
  await expect(write(phone, ' ')).rejects.toMatchObject({ code: 'FUNCTIONS_EXECUTE_FAIL' })
  expect(phone.status().calls).toBe(0)
})
