import { existsSync, realpathSync } from 'node:fs'
import { dirname, join, sep } from 'node:path'

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

/** Where packages are found that are installed for a folder and the ones above it, up to `top`. */
export function packageFolders(folder: string, top: string): readonly string[] {
  const found: string[] = []
  for (let at = folder; isWithin(at, top); at = dirname(at)) {
    found.push(...existing(join(at, 'node_modules')))
    if (at === dirname(at)) break
  }
  return found
}

export function isWithin(folder: string, other: string): boolean {
  return folder === other || folder.startsWith(other.endsWith(sep) ? other : other + sep)
}

/** The deepest folder that all of them lie in. */
export function commonFolder(folders: readonly string[]): string {
  let common = folders[0] ?? sep
  while (!folders.every(folder => isWithin(folder, common))) common = dirname(common)
  return common
}

function outermost(folders: readonly string[]): readonly string[] {
  const all = [...new Set(folders)]
  return all.filter(folder => !all.some(other => other !== folder && isWithin(folder, other)))
}
