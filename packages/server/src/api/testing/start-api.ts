import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ServerOptions } from '../../create-server.ts'
import type { CleanUp } from '../../functions/testing/open-fixtures.ts'
import { startProject } from '../../functions/testing/start-project.ts'
import { ApiClient } from './api-client.ts'

/** A server of a project with rules and functions, and clients that know its document alone. */
export async function startApi(
  cleanUp: CleanUp,
  options: Partial<ServerOptions> = {},
  files: Readonly<Record<string, string>> = {},
) {
  const started = await startProject(
    cleanUp,
    {
      'rules.json': JSON.stringify({
        database: {
          todos: {
            read: 'doc._openid == auth.openid',
            write: 'doc._openid == auth.openid',
          },
          open: { read: true, write: false },
          counted: { read: 'auth != null', write: 'auth != null' },
        },
        storage: { read: 'resource.openid == auth.openid', write: 'resource.openid == auth.openid' },
        functions: { '*': { invoke: true }, secret: { invoke: false } },
      }),
      'cloudfunctions/double/index.js': 'exports.main = ({ n }) => ({ twice: 2 * n })',
      'cloudfunctions/breaks/index.js': "exports.main = () => { throw new Error('sesame') }",
      'cloudfunctions/secret/index.js': 'exports.main = () => 1',
      ...files,
    },
    { passwords: { signUp: true }, ...options },
  )
  const { server } = started
  const api = await ApiClient.open(server.url)
  const adminKey = readFileSync(join(server.dataFolder, 'admin-key'), 'utf8').trim()
  const anonymous = async () =>
    (await api.ask('signInAnonymously')).json as { openid: string; accessToken: string; refreshToken: string }
  return { ...started, api, adminKey, anonymous }
}
