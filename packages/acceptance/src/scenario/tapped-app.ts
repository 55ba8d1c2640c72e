import { join } from 'node:path'
import { type Cloud, createCloud, type InitOptions } from '@nearcloud/client'
import { nodePlatform, SqliteStorage } from '@nearcloud/node'
import type { NearcloudServer } from '@nearcloud/server'
import { onTestFinished } from 'vitest'
import { testFolder } from './folder.ts'

/** A Node app whose frames to the server are written down, and whose network can be cut. */
export interface TappedApp {
  readonly cloud: Cloud
  readonly folder: string
  /** What it sent, over all its connections. */
  readonly sent: string[]
}

/** On SQLite in a folder, over real sockets; closed after the test. */
export async function openTapped(
  server: Pick<NearcloudServer, 'url' | 'env'>,
  options: { folder?: string; init?: InitOptions } = {},
): Promise<TappedApp> {
  const { folder = testFolder('app') } = options
  const sent: string[] = []
  const platform = nodePlatform(name => new SqliteStorage(join(folder, `${name}.db`)))
  const cloud = createCloud({
    ...platform,
    transport(url) {
      const transport = platform.transport(url)
      return {
        connect(listener) {
          const connection = transport.connect(listener)
          return {
            send(frame) {
              sent.push(frame)
              connection.send(frame)
            },
            close: () => connection.close(),
            get bufferedBytes() {
              return connection.bufferedBytes
            },
          }
        },
      }
    },
  })
  onTestFinished(() => cloud.close())
  cloud.init({ endpoint: server.url, env: server.env, subscribe: { notes: true }, ...options.init })
  await cloud.ready()
  return { cloud, folder, sent }
}
