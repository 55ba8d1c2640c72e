import { expect, test } from 'vitest'
import cloud, { containerTunnel, functionTunnel, wxHost } from './index.ts'

// the compiler checks these: what is no WxCloud does not build
const conforms: Omit<WxCloud, 'database'> = cloud
const ofTheDatabase = (db = cloud.database(), todos = db.collection('todos'), todo = todos.doc('a')) => {
  const expression: DB.IRegExpConstructor = db.RegExp
  const query: Pick<DB.Query, 'get' | 'count'> & Pick<DB.CollectionReference, 'add'> = todos
  const document: Pick<DB.DocumentReference, 'set' | 'update'> = todo
  return [expression, query, document]
}
const ofTheRealHost = (host: WechatMiniprogram.Wx) => [
  wxHost(host),
  containerTunnel(host.cloud, { service: 'nearcloud' }),
  functionTunnel(host.cloud, { name: 'nearcloud' }),
]

test('[MP-14] the cloud object, but for its database, is a WxCloud of the public typings, so are the calls that read and write, and the real wx is a host', () => {
  expect([conforms.callFunction, ofTheDatabase, ofTheRealHost].map(each => typeof each)).toEqual(
    Array.from({ length: 3 }, () => 'function'),
  )
})
