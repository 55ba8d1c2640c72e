import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { replicateNearcloud } from '@nearcloud/rxdb'
import { createServer, type NearcloudServer } from '@nearcloud/server'
import { addRxPlugin, type RxCollection } from 'rxdb/plugins/core'
import { disableWarnings, RxDBDevModePlugin } from 'rxdb/plugins/dev-mode'
import { replicateWithWebsocketServer } from 'rxdb/plugins/replication-websocket'
import { getRxStorageMemory } from 'rxdb/plugins/storage-memory'
import { runReplicationBaseTestSuite, setConfig } from 'rxdb/plugins/test-utils'
import { wrappedValidateAjvStorage } from 'rxdb/plugins/validate-ajv'
import { afterAll, beforeAll, describe, it } from 'vitest'
import { WebSocket } from 'ws'
import { openTo } from '../scenario/server.ts'
import { rxUrl, signIn } from './rx-app.ts'

/*
 * The suite that RxDB publishes for replication plugins, unchanged: `runReplicationBaseTestSuite` of `rxdb/plugins/test-utils`, with
 * dev-mode and a validator as it asks for. Its part about attachments is not run: they are not replicated.
 */

disableWarnings()
addRxPlugin(RxDBDevModePlugin)
// it was written for mocha
Object.assign(globalThis, { describe, it })
const storage = wrappedValidateAjvStorage({ storage: getRxStorageMemory() })
setConfig({ storage: { name: 'memory', getStorage: () => storage } } as Parameters<typeof setConfig>[0])

const root = mkdtempSync(join(tmpdir(), 'nearcloud-rxdb-suite-'))
let server: NearcloudServer
let url: string
let token: string
beforeAll(async () => {
  writeFileSync(join(root, 'rules.json'), JSON.stringify(openTo('humans')))
  server = await createServer({ dataFolder: join(root, 'data'), project: root, log: () => {} })
  token = (await signIn(server)).accessToken
  url = rxUrl(server, 'humans', { token, key: 'passportId' })
})
afterAll(async () => {
  await server.stop()
  rmSync(root, { recursive: true, force: true })
})
const humans = () => server.database().collection('humans')

interface Way {
  start(collection: RxCollection, live: boolean): unknown
}

const ways: Readonly<Record<string, Way>> = {
  'the stock client': {
    start: (collection, live) =>
      replicateWithWebsocketServer({ collection, url, replicationIdentifier: 'nearcloud', live }),
  },
  'the client of @nearcloud/rxdb': {
    start: (collection, live) =>
      replicateNearcloud({
        ...{ collection, live, WebSocket },
        url: server.url,
        remote: 'humans',
        token: () => token,
        replicationIdentifier: 'nearcloud',
      }),
  },
}

describe.each(Object.keys(ways))('[RXDB-9] RxDB’s suite for replication plugins, with %s', name => {
  const { start } = ways[name]!
  runReplicationBaseTestSuite({
    startReplication: collection => start(collection, true),
    async syncOnce(collection) {
      const state = (await start(collection, false)) as Awaited<
        ReturnType<typeof replicateWithWebsocketServer>
      >
      await state.awaitInitialReplication()
      await state.cancel()
    },
    getAllServerDocs: async () => (await humans().limit(1_000).get()).data,
    async cleanUpServer() {
      await humans().where({}).remove()
    },
    getPrimaryOfServerDoc: document => document._id,
  })
})
