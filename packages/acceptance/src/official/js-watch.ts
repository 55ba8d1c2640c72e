import official from '@cloudbase/js-sdk'
import { vi } from 'vitest'
import { testProject } from '../scenario/folder.ts'
import { startServer } from '../scenario/server.ts'
import { type AnyDatabase, plain } from './cases.ts'

/** Its types know no `registerHost`. */
const cloudbase = official as AnyDatabase
// it tells the console of each step, with the whole socket
for (const name of ['log', 'warn', 'error'] as const) vi.spyOn(console, name).mockImplementation(() => {})

/** A server, and an anonymous user of it by js-sdk. */
export async function openWatching(rules: object, settings: object = {}) {
  const project = testProject(rules)
  const server = await startServer({ rules, project })
  const app = cloudbase.init({ env: server.env, ...settings })
  app.registerHost(new URL(server.url).host, 'http')
  const auth = app.auth({ persistence: 'none' })
  await auth.signInAnonymously()
  return {
    project,
    server,
    db: app.database(),
    uid: auth.currentUser.uid as string,
    ours: server.database() as AnyDatabase,
  }
}

/** What a watch told, step by step. */
export function watched(query: AnyDatabase) {
  const snapshots: AnyDatabase[] = []
  const errors: unknown[] = []
  const watcher = query.watch({
    onChange: (snapshot: object) => snapshots.push(plain(snapshot)),
    onError: (error: unknown) => errors.push(error),
  })
  const told = (count: number) =>
    vi.waitUntil(() => snapshots.length >= count || errors.length > 0, { timeout: 20_000 })
  return { snapshots, errors, told, close: () => watcher.close() }
}
/** Of a snapshot. */
export const idsIn = (snapshot: AnyDatabase) => snapshot.docs.map(({ _id }: { _id: string }) => _id)
