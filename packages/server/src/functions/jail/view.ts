import { existsSync, readdirSync, realpathSync } from 'node:fs'
import { basename, dirname, join, sep } from 'node:path'

/** What a function's process sees of the machine. */
export interface View {
  /** Folders that are empty for it. */
  readonly hidden: readonly string[]
  /** Folders in those that it sees all the same. */
  readonly kept: readonly string[]
}

/** All of these folders exist, links followed. */
export function viewOf(hidden: readonly string[], kept: readonly string[]): View {
  const outer = outermost(hidden.filter(folder => folder !== sep))
  return { hidden: outer, kept: outermost(kept.filter(folder => outer.some(of => isWithin(folder, of)))) }
}

/** The folder with links followed; nothing when there is none. */
export function existing(folder: string): readonly string[] {
  return existsSync(folder) ? [realpathSync(folder)] : []
}

/** Where Node looks for packages from a folder: its `node_modules`, and those of the folders above it. */
export function packageFolders(folder: string): readonly string[] {
  const found = existing(join(folder, 'node_modules'))
  return folder === dirname(folder) ? found : [...found, ...packageFolders(dirname(folder))]
}

/** Where the packages lie that a folder's `node_modules` only links to. */
export function linkedPackages(folder: string): readonly string[] {
  const home = join(folder, 'node_modules')
  const names = namesIn(home).flatMap(name =>
    name.startsWith('@') ? namesIn(join(home, name)).map(each => join(name, each)) : [name],
  )
  const places = names.flatMap(name => existing(join(home, name))).filter(place => !isWithin(place, folder))
  return [...new Set(places.map(shelfOf))]
}

/** What a package needs lies beside it, in the `node_modules` it is in. */
export function shelfOf(folder: string): string {
  for (let above = dirname(folder); above !== dirname(above); above = dirname(above))
    if (basename(above) === 'node_modules') return above
  return folder
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

export function isWithin(folder: string, other: string): boolean {
  return folder === other || folder.startsWith(other.endsWith(sep) ? other : other + sep)
}

function outermost(folders: readonly string[]): readonly string[] {
  const all = [...new Set(folders)]
  return all.filter(folder => !all.some(other => other !== folder && isWithin(folder, other)))
}
