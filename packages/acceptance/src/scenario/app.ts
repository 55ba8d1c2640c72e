import type { Cloud } from '@nearcloud/client'
import { createCloud } from '@nearcloud/node'
import type { NearcloudServer } from '@nearcloud/server'
import { onTestFinished } from 'vitest'
import { testFolder } from './folder.ts'

export type App = Cloud

/** A Node app on a folder of its own (SQLite), talking to the server over a real socket; closed after the test. */
export async function openApp(
  server: Pick<NearcloudServer, 'url' | 'env'>,
  options: { folder?: string; follow?: readonly string[] } = {},
): Promise<App> {
  const cloud = createCloud({ folder: options.folder ?? testFolder('app') })
  onTestFinished(() => cloud.close())
  cloud.init({
    endpoint: server.url,
    env: server.env,
    subscribe: Object.fromEntries((options.follow ?? []).map(name => [name, true])),
  })
  await cloud.ready()
  return cloud
}
