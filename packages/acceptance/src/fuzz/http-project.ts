import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Makes of a folder a project with rules, functions and a site, where one address may ask as often as it likes. */
export function writeHttpProject(folder: string): void {
  const unlimited = { perMinute: 1e9, burst: 1_000_000 }
  const files = {
    'nearcloud.json': {
      site: 'dist',
      rates: { address: unlimited, user: unlimited },
      passwords: { signUp: true },
    },
    'rules.json': {
      database: {
        todos: { read: 'doc._openid == auth.openid', write: 'doc._openid == auth.openid' },
        open: { read: true, write: 'auth != null' },
      },
      storage: { read: 'resource.openid == auth.openid', write: 'resource.openid == auth.openid' },
      functions: { '*': { invoke: 'auth != null' } },
    },
  }
  for (const [name, content] of Object.entries(files))
    writeFileSync(join(folder, name), JSON.stringify(content))
  for (const part of ['dist', 'cloudfunctions/a']) mkdirSync(join(folder, part), { recursive: true })
  writeFileSync(join(folder, 'dist/index.html'), '<h1>home</h1>')
  writeFileSync(join(folder, 'cloudfunctions/a/index.js'), 'exports.main = event => event')
}
