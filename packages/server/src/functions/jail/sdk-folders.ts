import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { shelfOf } from './view.ts'

/** Where the code lies that runs a function: this package's SDK and what it is made of. */
export function sdkFolders(workerFile: string): readonly string[] {
  const folders = new Set<string>()
  const open = [packageOf(realpathSync(workerFile))]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (folders.has(next)) continue
    folders.add(next)
    const { dependencies = {} } = JSON.parse(readFileSync(join(next, 'package.json'), 'utf8')) as {
      dependencies?: Record<string, string>
    }
    const resolve = createRequire(join(next, 'package.json')).resolve.paths('')!
    for (const name of Object.keys(dependencies)) {
      const found = resolve.map(folder => join(folder, name)).find(existsSync)
      if (found) open.push(realpathSync(found))
    }
  }
  return [...new Set([...folders].map(shelfOf))]
}

function packageOf(file: string): string {
  let folder = dirname(file)
  while (!existsSync(join(folder, 'package.json'))) folder = dirname(folder)
  return folder
}
