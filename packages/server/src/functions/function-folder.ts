import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { isRecord } from './function-config.ts'

/** The code of a function, where it lies. */
export interface FunctionFolder {
  readonly name: string
  readonly path: string
  /** The file to load. */
  readonly entry: string
  readonly ownPackage: boolean
  /** Changes when a file of the function does (packages installed in it are looked at as a whole). */
  readonly fingerprint: string
}

/** Where a project keeps its functions: `cloudfunctions/`, or `functions/`; undefined when it has neither. */
export function findFunctionsFolder(project: string): string | undefined {
  return ['cloudfunctions', 'functions'].map(name => join(project, name)).find(isFolder)
}

/** The functions in a folder, by name, in the order of their names; a missing folder has none. */
export function readFunctionFolders(root: string): readonly FunctionFolder[] {
  return namesIn(root)
    .sort()
    .flatMap(name => readFunctionFolder(root, name) ?? [])
}

/** One function's folder, or undefined when there is none of that name, or nothing in it to load. */
export function readFunctionFolder(root: string, name: string): FunctionFolder | undefined {
  if (!nameForm.test(name)) return undefined
  const folder = join(root, name)
  const entry = entryOf(folder)
  if (entry === undefined) return undefined
  const ownPackage = existsSync(join(folder, 'package.json'))
  return { name, path: folder, entry, ownPackage, fingerprint: fingerprintOf(folder) }
}

const nameForm = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
/** A folder with more files is watched in part. */
const maxFiles = 2_000

/** `main` of the package.json, or one of the names a function's file has. */
function entryOf(folder: string): string | undefined {
  const candidates = [mainOf(join(folder, 'package.json')), 'index.js', 'index.mjs', 'index.cjs']
  return candidates.flatMap(name => (name === undefined ? [] : join(folder, name))).find(isFile)
}

function mainOf(packageFile: string): string | undefined {
  try {
    const described: unknown = JSON.parse(readFileSync(packageFile, 'utf8'))
    return isRecord(described) && typeof described.main === 'string' ? described.main : undefined
  } catch {
    return undefined // Node has the better words for what is wrong with it, when the function is loaded
  }
}

function fingerprintOf(folder: string): string {
  const prints: string[] = []
  const open = [folder]
  for (let next = open.pop(); next !== undefined && prints.length < maxFiles; next = open.pop())
    for (const name of namesIn(next).sort()) {
      const path = join(next, name)
      const stat = statSync(path, { throwIfNoEntry: false })
      if (!stat || name.startsWith('.')) continue
      if (stat.isDirectory() && name !== 'node_modules') open.push(path)
      else prints.push(`${path}:${stat.mtimeMs}:${stat.size}:${stat.ino}`)
    }
  return prints.join('\n')
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function isFile(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isFile() ?? false
}

function isFolder(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false
}
