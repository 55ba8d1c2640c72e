import type { Clock } from '@nearcloud/protocol'
import {
  type AlipayOptions,
  type CustomLoginKey,
  createServer,
  type IssuerOptions,
  type NearcloudServer,
  type PasswordOptions,
  type WechatOptions,
} from '@nearcloud/server'
import { onTestFinished } from 'vitest'
import { testFolder, testProject } from './folder.ts'

/** Everybody may read and write these collections. */
export function openTo(...collections: string[]): object {
  return { database: Object.fromEntries(collections.map(name => [name, { read: true, write: true }])) }
}

/** A real server on a free port with these rules, stopped after the test. */
export async function startServer(options: {
  rules: unknown
  dataFolder?: string
  project?: string
  site?: string
  env?: string
  port?: number
  clock?: Clock
  wechat?: WechatOptions
  alipay?: AlipayOptions
  passwords?: PasswordOptions
  issuers?: readonly IssuerOptions[]
  customLogin?: readonly CustomLoginKey[]
  trustedProxies?: readonly string[]
}): Promise<NearcloudServer> {
  const { rules, dataFolder = testFolder('data'), project = testProject(rules), ...rest } = options
  const server = await createServer({ dataFolder, project, log: () => {}, ...rest })
  onTestFinished(() => server.stop())
  return server
}
