import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join, relative, resolve, sep } from 'node:path'
import type { Millis } from '@nearcloud/protocol'
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

/** As it was read. */
export interface ReadFolder extends FunctionFolder {
  /** When one of its files last changed, by the machine's clock. */
  readonly changedAt: Millis
}

/**
 * Where a project keeps its functions: the `cloudfunctionRoot` of its `project.config.json`, or `cloudfunctions/`, or
 * `functions/`; undefined when it has none of these.
 */
export function findFunctionsFolder(project: string): string | undefined {
  const names = [rootOf(project), 'cloudfunctions', 'functions'].flatMap(name => name ?? [])
  return names.map(name => join(project, name)).find(isFolder)
}

/** The names of a project's functions, in their order. */
export function functionNames(project: string): readonly string[] {
  const root = findFunctionsFolder(project)
  return root === undefined ? [] : readFunctionFolders(root).map(({ name }) => name)
}

/** A folder inside the project; what else the file says is WeChat's. */
function rootOf(project: string): string | undefined {
  const root = textOf(join(project, 'project.config.json'), 'cloudfunctionRoot')
  const inside = root === undefined ? '..' : relative(project, resolve(project, root))
  return inside === '' || inside === '..' || inside.startsWith(`..${sep}`) ? undefined : inside
}

/** Whether somebody still puts files into it: then what lies there is not all of it. */
export function isBeingWritten(folder: ReadFolder, now: Millis): boolean {
  return Math.abs(now - folder.changedAt) < quietMs || existsSync(join(folder.path, unfinished))
}

const quietMs = 100
/** As long as a file of this name is in a folder, its code does not take over. */
const unfinished = '.unfinished'

/** The functions in a folder, by name, in the order of their names; a missing folder has none. */
export function readFunctionFolders(root: string): readonly ReadFolder[] {
  return namesIn(root)
    .sort()
    .flatMap(name => readFunctionFolder(root, name) ?? [])
}

/** One function's folder, or undefined when there is none of that name, or nothing in it to load. */
export function readFunctionFolder(root: string, name: string): ReadFolder | undefined {
  if (!nameForm.test(name)) return undefined
  const folder = join(root, name)
  const entry = entryOf(folder)
  if (entry === undefined) return undefined
  const ownPackage = existsSync(join(folder, 'package.json'))
  return { name, path: folder, entry, ownPackage, ...printsOf(folder) }
}

const nameForm = /^[A-Za-z][A-Za-z0-9_-]{0,63}$/
/** A folder with more files is watched in part. */
const maxFiles = 2_000

/** `main` of the package.json, or one of the names a function's file has. */
function entryOf(folder: string): string | undefined {
  const candidates = [textOf(join(folder, 'package.json'), 'main'), ...entryNames]
  return candidates.flatMap(name => (name === undefined ? [] : join(folder, name))).find(isFile)
}

const entryNames = ['index.js', 'index.mjs', 'index.cjs', 'index.ts', 'index.mts', 'index.cts']

/** A text that a JSON file says. */
function textOf(file: string, name: string): string | undefined {
  try {
    const described: unknown = JSON.parse(readFileSync(file, 'utf8'))
    const text = isRecord(described) ? described[name] : undefined
    return typeof text === 'string' ? text : undefined
  } catch {
    return undefined // whoever needs it has the better words for what is wrong with it
  }
}

function printsOf(folder: string): Pick<ReadFolder, 'fingerprint' | 'changedAt'> {
  const prints: string[] = []
  let changedAt = 0
  const open = [folder]
  for (let next = open.pop(); next !== undefined && prints.length < maxFiles; next = open.pop())
    for (const name of namesIn(next).sort()) {
      const path = join(next, name)
      const stat = statSync(path, { throwIfNoEntry: false })
      if (!stat || name.startsWith('.')) continue
      changedAt = Math.max(changedAt, stat.ctimeMs)
      if (stat.isDirectory() && name !== 'node_modules') open.push(path)
      else prints.push(`${path}:${stat.mtimeMs}:${stat.size}:${stat.ino}`)
    }
  return { fingerprint: prints.join('\n'), changedAt }
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
