import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import { dirname, join, relative, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { packages, pureFolders } from './house.ts'

const root = resolve(import.meta.dirname, '../../..')
const folders = readdirSync(join(root, 'packages')).filter(name => existsSync(manifestPath(name)))
const rootTools = Object.keys(readManifest(join(root, 'package.json')).devDependencies ?? {})

test('every package of the workspace has its place in the house, and every place its package', () => {
  expect(folders.sort()).toEqual(Object.keys(packages).sort())
})

test('no package depends on one beside or above it', () => {
  for (const [folder, room] of Object.entries(packages))
    for (const below of room.below) {
      const other = Object.values(packages).find(({ name }) => name === below)
      expect(other, `${folder} stands on ${below}, which exists`).toBeDefined()
      expect(reachable(below), `${below} does not stand on ${room.name}`).not.toContain(room.name)
    }
})

test.each(folders)('packages/%s declares only what its place allows', folder => {
  const room = packages[folder]!
  const manifest = readManifest(manifestPath(folder))
  expect(manifest.name).toBe(room.name)
  for (const name of declaredBy(manifest)) {
    const allowed = isOurs(name) ? room.below : room.others
    expect(allowed, `${room.name} may not depend on ${name}`).toContain(name)
  }
  if (pureFolders.includes(folder)) expect(room.node).toBe(false)
})

test.each(folders)('packages/%s imports by name, what it declared, and nothing else', folder => {
  const room = packages[folder]!
  const manifest = readManifest(manifestPath(folder))
  const declared = declaredBy(manifest)
  const home = join(root, 'packages', folder)
  for (const file of sources(join(home, 'src'))) {
    const where = relative(root, file)
    // what is in /testing/ is for tests, what is in /building/ makes the package and is not in it
    const forTests =
      /\.(test|bench)\.ts$/.test(file) || /\/(testing|building)\//.test(file) || folder === 'acceptance'
    const tools = forTests ? [...rootTools, ...Object.keys(manifest.devDependencies ?? {}), room.name] : []
    for (const specifier of importsOf(readFileSync(file, 'utf8'))) {
      if (specifier.startsWith('.')) {
        const target = resolve(dirname(file), specifier)
        expect(relative(home, target), `${where} imports ${specifier} from another package`).not.toMatch(
          /^\.\./,
        )
        expect(specifier, `${where} imports a source without its ending`).toMatch(/\.(ts|json)$/)
        expect(existsSync(target), `${where} imports ${specifier}, which exists`).toBe(true)
      } else if (isBuiltin(specifier)) {
        expect(specifier, `${where} names a part of Node`).toMatch(/^node:/)
        expect(room.node || forTests, `${where} needs Node for ${specifier}`).toBe(true)
      } else {
        const name = packageName(specifier)
        expect([...declared, ...tools], `${where} imports ${specifier}, undeclared`).toContain(name)
        if (isOurs(name)) expect(exportsOf(name), `${where}: ${specifier} is no export`).toContain(specifier)
      }
    }
  }
})

test('[SPEC-5] a server stands on fifteen packages of others at most, what runs on a device on six, and none of ours runs anything when it is installed', () => {
  const most: Readonly<Record<string, number>> = { server: 15, cli: 15, acceptance: Number.POSITIVE_INFINITY }
  for (const name of folders) {
    const { dependencies = {}, scripts = {} } = readManifest(manifestPath(name))
    const others = Object.keys(dependencies).filter(each => !isOurs(each))
    expect(others.length, `${name} stands on ${others}`).toBeLessThanOrEqual(most[name] ?? 6)
    for (const hook of ['preinstall', 'install', 'postinstall', 'prepare'])
      expect(scripts, name).not.toHaveProperty(hook)
  }
  const workspace = readFileSync(join(root, 'pnpm-workspace.yaml'), 'utf8')
  const builds = /^allowBuilds:\n((?: .*\n)+)/m.exec(workspace)![1]!.trim().split('\n')
  expect(builds.filter(line => !line.endsWith(': false'))).toEqual([])
})

test('examples stand on what an app may use, and import only that', () => {
  const forApps = [
    '@nearcloud/browser',
    '@nearcloud/client',
    '@nearcloud/miniprogram',
    '@nearcloud/node',
    '@nearcloud/server',
    'nearcloud',
  ]
  for (const name of readdirSync(join(root, 'examples'))) {
    const home = join(root, 'examples', name)
    const manifest = readManifest(join(home, 'package.json'))
    const declared = [
      ...Object.keys(manifest.dependencies ?? {}),
      ...Object.keys(manifest.devDependencies ?? {}),
    ]
    for (const ours of declared.filter(isOurs)) expect(forApps, `${name} uses ${ours}`).toContain(ours)
    for (const file of sources(home)) {
      const mayUse = /\.test\.ts$/.test(file) ? [...declared, ...rootTools] : declared
      for (const specifier of importsOf(readFileSync(file, 'utf8'))) {
        if (specifier.startsWith('.'))
          expect(relative(home, resolve(dirname(file), specifier))).not.toMatch(/^\.\./)
        else if (!isBuiltin(specifier) && !provided.has(specifier))
          expect(mayUse, `${relative(root, file)} imports ${specifier}`).toContain(packageName(specifier))
      }
    }
  }
})
/** What the server gives to functions without their declaring it. */
const provided = new Set(['wx-server-sdk'])

test('the scan sees every form of import', () => {
  const text = [
    "import a from 'one'",
    "import type { B } from 'two'",
    'import {',
    '  c,',
    "} from 'three'",
    "export * from 'four'",
    "export { type D } from 'five'",
    "import 'six'",
    `const e = await import(${"'seven'"})`,
    " * import f from 'words in a comment'",
  ].join('\n')
  expect(importsOf(text).sort()).toEqual(['five', 'four', 'one', 'seven', 'six', 'three', 'two'])
})

interface Manifest {
  readonly name: string
  readonly dependencies?: Readonly<Record<string, string>>
  readonly devDependencies?: Readonly<Record<string, string>>
  readonly peerDependencies?: Readonly<Record<string, string>>
  readonly exports?: Readonly<Record<string, unknown>>
  readonly scripts?: Readonly<Record<string, string>>
}

/** What it brings, and what whoever uses it has to have. */
function declaredBy({ dependencies, peerDependencies }: Manifest): string[] {
  return Object.keys({ ...dependencies, ...peerDependencies })
}

function readManifest(path: string): Manifest {
  return JSON.parse(readFileSync(path, 'utf8')) as Manifest
}

function manifestPath(folder: string): string {
  return join(root, 'packages', folder, 'package.json')
}

function isOurs(name: string): boolean {
  return name === 'nearcloud' || name.startsWith('@nearcloud/')
}

function packageName(specifier: string): string {
  return specifier
    .split('/')
    .slice(0, specifier.startsWith('@') ? 2 : 1)
    .join('/')
}

function exportsOf(name: string): string[] {
  const folder = Object.keys(packages).find(key => packages[key]!.name === name)
  if (folder === undefined) return []
  return Object.keys(readManifest(manifestPath(folder)).exports ?? {}).map(path => join(name, path))
}

function reachable(name: string): Set<string> {
  const found = new Set<string>()
  const walk = (at: string) => {
    for (const next of Object.values(packages).find(room => room.name === at)?.below ?? [])
      if (!found.has(next)) {
        found.add(next)
        walk(next)
      }
  }
  walk(name)
  return found
}

function sources(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    if (['node_modules', 'dist', 'fixtures'].includes(entry.name)) return []
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return sources(path)
    return /\.(ts|tsx|mjs|js|cjs)$/.test(entry.name) ? [path] : []
  })
}

/** Every module a source names, types included. Our formatter writes imports at the beginning of a line. */
function importsOf(text: string): string[] {
  const forms = [
    /^(?:import|export)\s[^'"`;]*?from\s+'([^']+)'/gm,
    /^import\s+'([^']+)'/gm,
    /\bimport\(\s*'([^']+)'\s*\)/g,
    /\bimport\.meta\.resolve\(\s*'([^']+)'\s*\)/g,
  ]
  return forms.flatMap(form => [...text.matchAll(form)].map(match => match[1]!))
}
