import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, readFileSync, realpathSync, symlinkSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { promisify } from 'node:util'

const run = promisify(execFile)
const root = resolve(import.meta.dirname, '../../../..')

/** A package as a stranger gets it. */
export interface Packed {
  /** Its folder in the workspace. */
  readonly home: string
  /** Its folder in the `node_modules` of the stranger. */
  readonly installed: string
  readonly manifest: Manifest
  /** Of the archive, relative to `installed`. */
  readonly files: readonly string[]
}

export interface Manifest {
  readonly name: string
  readonly version: string
  readonly private?: boolean
  readonly exports: Readonly<Record<string, Readonly<Record<string, string>>>>
  readonly bin?: Readonly<Record<string, string>>
  readonly dependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
}

/**
 * Packs every package that is published, and unpacks it into `folder/node_modules`. What a package declares is beside it and nowhere
 * else, so what it does not declare is not found; it is linked from the workspace, which is faster than npm and needs no network.
 */
export async function packAll(folder: string): Promise<readonly Packed[]> {
  const archives = join(folder, 'archives')
  await pnpm('-r', '--filter', './packages/*', 'pack', '--pack-destination', archives)
  const homes = readdirSync(join(root, 'packages')).map(name => join(root, 'packages', name))
  const published = homes.filter(home => !manifestOf(home).private)
  return Promise.all(
    published.map(async home => {
      const { name, version } = manifestOf(home)
      const installed = join(folder, 'node_modules', name)
      mkdirSync(installed, { recursive: true })
      const archive = join(archives, `${name.replace('@', '').replace('/', '-')}-${version}.tgz`)
      await run('tar', ['-xzf', archive, '-C', installed, '--strip-components', '1'])
      const files = readdirSync(installed, { recursive: true, withFileTypes: true })
        .filter(entry => entry.isFile())
        .map(entry => join(entry.parentPath, entry.name).slice(installed.length + 1))
      const manifest = manifestOf(installed)
      linkDeclared(home, installed, manifest)
      return { home, installed, manifest, files }
    }),
  )
}

/** The packages of others that it declares. */
export function declared({ dependencies, peerDependencies }: Manifest): readonly string[] {
  return Object.keys({ ...dependencies, ...peerDependencies }).filter(name => !isOurs(name))
}

export function isOurs(name: string): boolean {
  return name === 'nearcloud' || name.startsWith('@nearcloud/')
}

function linkDeclared(home: string, installed: string, manifest: Manifest): void {
  for (const name of declared(manifest)) {
    const link = join(installed, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(realpathSync(join(home, 'node_modules', name)), link)
  }
}

function manifestOf(folder: string): Manifest {
  const path = join(folder, 'package.json')
  if (!existsSync(path)) throw new Error(`${folder} is no package`)
  return JSON.parse(readFileSync(path, 'utf8')) as Manifest
}

/** The pnpm that runs these tests, or, where something else runs them, the one that README names. */
async function pnpm(...words: string[]): Promise<void> {
  const own = process.env.npm_execpath
  const [command, ...before] =
    own !== undefined && /pnpm/.test(own)
      ? /\.[cm]?js$/.test(own)
        ? [process.execPath, own]
        : [own]
      : ['npx', '-y', 'pnpm@12']
  await run(command!, [...before, ...words], { cwd: root })
}
