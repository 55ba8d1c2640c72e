import { existsSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'

/** A package of others that is installed with ours. */
export interface Installed {
  readonly name: string
  readonly version: string
  /** Which scripts npm would run when it is installed. */
  readonly hooks: readonly string[]
}

interface Manifest {
  readonly name: string
  readonly version: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly scripts?: Readonly<Record<string, string>>
}

const hooks = ['preinstall', 'install', 'postinstall'] as const

/** Everything that these folders' packages need to run, and what that needs. Throws when something is not there that has to be. */
export function installedWith(folders: readonly string[]): Installed[] {
  const found = new Map<string, Installed>()
  const waiting = [...folders]
  for (const folder of waiting) {
    const { name: parent, dependencies = {}, optionalDependencies = {} } = manifestIn(folder)
    for (const name of Object.keys({ ...dependencies, ...optionalDependencies })) {
      const home = homeOf(folder, name)
      if (home === undefined) {
        if (name in optionalDependencies) continue // of another system
        throw new Error(`${parent} needs ${name}, which is not installed`)
      }
      const { version, scripts = {} } = manifestIn(home)
      if (folders.includes(home) || found.has(home)) continue
      found.set(home, { name, version, hooks: hooks.filter(hook => hook in scripts) })
      waiting.push(home)
    }
  }
  return [...found.values()]
}

function homeOf(from: string, name: string): string | undefined {
  for (let folder = from; ; folder = dirname(folder)) {
    const path = join(folder, 'node_modules', name)
    if (existsSync(path)) return realpathSync(path)
    if (dirname(folder) === folder) return undefined
  }
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest
}
