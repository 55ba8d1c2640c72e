import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createCloud } from '@nearcloud/node'
import { errorNumbers } from '@nearcloud/protocol'
import { createDatabase, type Database, type WatchSnapshot } from '@nearcloud/query'
import { createAlipayDatabase, createCloudbaseDatabase } from '@nearcloud/query/dialects'
import { MemoryExecutor } from '@nearcloud/query/testing'
import { openApp } from '../scenario/app.ts'
import { testProject } from '../scenario/folder.ts'
import { startServer } from '../scenario/server.ts'

/** The names that the real objects have, by what the table calls the object. */
export async function surfaces(): Promise<ReadonlyMap<string, readonly string[]>> {
  const options = { newId: () => 'id', side: 'server' as const }
  const limits = { default: 20, max: 20 }
  const db = createDatabase(new MemoryExecutor(), { ...options, limits })
  const collection = db.collection('c')
  const query = collection.where({})
  const cloudbase = createCloudbaseDatabase(new MemoryExecutor(), options)
  const alipay = createAlipayDatabase(new MemoryExecutor(), options)
  const cloud = createCloud()
  const callbacks = { fail: () => undefined }
  return new Map<string, readonly string[]>([
    ['cloud', namesOf(cloud)],
    ['auth', namesOf(cloud.auth())],
    ['UploadTask', namesOf(cloud.uploadFile({ cloudPath: 'a', ...callbacks } as never))],
    ['DownloadTask', namesOf(cloud.downloadFile({ fileID: 'a', ...callbacks }))],
    ['database', namesOf(db)],
    ['Geo', namesOf(db.Geo)],
    ['collection', namesOf(collection).filter(name => !namesOf(query).includes(name))],
    ['query', namesOf(query)],
    ['document', namesOf(collection.doc('x'))],
    ...(await watched(db)),
    ['command', namesOf(db.command)],
    ['project', namesOf(db.command.project)],
    ['chain', namesOf(db.command.gt(1)).filter(name => name !== 'tests')],
    ['logic', namesOf(db.command.and(1)).filter(name => !['operator', 'operands'].includes(name))],
    ['stages', namesOf(collection.aggregate())],
    ['expressions', namesOf(db.command.aggregate)],
    ...(await inFunction()),
    ['error numbers', [...new Set(Object.values(errorNumbers).map(String))]],
    ['CloudBase', namesOf(cloudbase)],
    ['CloudBase collection', namesOf(cloudbase.collection('c'))],
    ['CloudBase document', namesOf(cloudbase.collection('c').doc('x'))],
    ['Alipay', namesOf(alipay)],
    ['Alipay command', namesOf(alipay.command)],
    ['Alipay collection', namesOf(alipay.collection('c'))],
    ['Alipay document', namesOf(alipay.collection('c').doc('x'))],
  ])
}

/** Public names, inherited ones too. */
function namesOf(object: object): string[] {
  const names = new Set<string>()
  for (let at = object; at !== Object.prototype; at = Object.getPrototypeOf(at) as object)
    for (const name of Object.getOwnPropertyNames(at)) names.add(name)
  return [...names].filter(name => name !== 'constructor')
}

/** What snapshots and their changes have, over a first one and an update. */
async function watched(db: Database): Promise<[string, string[]][]> {
  const snapshots: WatchSnapshot[] = []
  const doc = db.collection('watched').doc('x')
  await doc.set({ data: { a: 1 } })
  await new Promise<void>((resolve, onError) => {
    const onChange = (snapshot: WatchSnapshot) => {
      snapshots.push(snapshot)
      if (snapshots.length === 2) resolve()
      else void doc.update({ data: { a: 2 } })
    }
    doc.watch({ onChange, onError })
  })
  const keys = (objects: readonly object[]) => [...new Set(objects.flatMap(each => Object.keys(each)))]
  return [
    ['snapshot', keys(snapshots)],
    ['docChange', keys(snapshots.flatMap(({ docChanges }) => docChanges))],
  ]
}

/** What a cloud function sees, asked in one. */
async function inFunction(): Promise<[string, string[]][]> {
  const project = testProject({})
  const folder = join(project, 'cloudfunctions/names')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'index.js'),
    `const cloud = require('wx-server-sdk')
cloud.init()
exports.main = (_event, context) => ({
  sdk: Object.keys(cloud).filter(name => name !== 'default'),
  wxContext: Object.keys(cloud.getWXContext()),
  context: Object.keys(context),
})
`,
  )
  const app = await openApp(await startServer({ rules: null, project }))
  const { result } = await app.callFunction({ name: 'names' })
  const { sdk, wxContext, context } = result as Record<string, string[]>
  return [
    ['server SDK', sdk!],
    ['WXContext', wxContext!],
    ['context', context!],
  ]
}
