import { Readable } from 'node:stream'
import type { Disk, OpenFile } from '@nearcloud/server/testing'
import type { Dice } from '../scenario/dice.ts'

/** What a name leads to. */
interface Content {
  bytes: Uint8Array
  /** What of it the medium has. */
  synced: Uint8Array
  mtimeMs: number
}

/** One process's way to it: each access takes its time, and may be the last. */
export interface FolderAccess {
  turn(label: string): Promise<void>
  /** Throws what the disk says instead of taking bytes. */
  mayWrite(): void
}

/**
 * The folder of the server's files, in the words of `node:fs/promises`. It outlives processes; when the power goes, what was not synced
 * may be lost, names as well as bytes.
 */
export class SimFolder {
  #names = new Map<string, Content>()
  #folders = new Set<string>(['/'])
  /** What the medium has. */
  #syncedNames = new Map<string, Content>()
  #syncedFolders = new Set<string>(['/'])

  /** The names of files below a folder. */
  below(folder: string): readonly string[] {
    return [...this.#names.keys()].filter(name => name.startsWith(`${folder}/`))
  }

  /** What would be left of a file if the power went now; undefined: there is none. */
  durable(path: string): Uint8Array | undefined {
    return this.#hasFolders(path) ? this.#syncedNames.get(path)?.synced : undefined
  }

  bytes(path: string): Uint8Array | undefined {
    return this.#names.get(path)?.bytes
  }

  /** It was never there. */
  lose(path: string): void {
    this.#names.delete(path)
    this.#syncedNames.delete(path)
  }

  /** Only these files were ever there, and all of them are durable. */
  setBack(files: ReadonlyMap<string, Uint8Array>): void {
    const contents = [...files].map(([path, bytes]): [string, Content] => [
      path,
      { bytes, synced: bytes, mtimeMs: 0 },
    ])
    this.#names = new Map(contents)
    this.#syncedNames = new Map(contents)
    for (const [path] of contents)
      for (let at = parentOf(path); at !== '/'; at = parentOf(at)) {
        this.#folders.add(at)
        this.#syncedFolders.add(at)
      }
  }

  /** What was not synced is there in part, as zeros, or not at all. True: something was lost. */
  losePower(dice: Dice): boolean {
    let hasLost = false
    const names = new Map<string, Content>()
    for (const path of new Set([...this.#syncedNames.keys(), ...this.#names.keys()])) {
      const [then, now] = [this.#syncedNames.get(path), this.#names.get(path)]
      const isKept = then === now || dice.below(2) === 0
      hasLost ||= !isKept || !this.#hasFolders(path)
      const content = isKept ? now : then
      if (content && this.#hasFolders(path)) names.set(path, content)
    }
    for (const folder of this.#folders) if (!this.#syncedFolders.has(folder)) this.#folders.delete(folder)
    const seen = new Set<Content>()
    // of a name that was changed there is the old one or the new one
    for (const [path, content] of [...names].sort(([one], [other]) => (one < other ? -1 : 1))) {
      if (seen.has(content)) names.delete(path)
      else if (this.#spoil(content, dice)) hasLost = true
      seen.add(content)
    }
    this.#names = names
    this.#syncedNames = new Map(names)
    return hasLost
  }

  #spoil(content: Content, dice: Dice): boolean {
    const { bytes, synced } = content
    if (bytes === synced) return false
    const kept = synced.length + dice.below(bytes.length - synced.length + 1)
    const spoilt = new Uint8Array(dice.below(2) === 0 ? bytes.length : kept)
    spoilt.set(bytes.subarray(0, kept))
    content.bytes = spoilt
    content.synced = spoilt
    return kept < bytes.length
  }

  diskFor({ turn, mayWrite }: FolderAccess): Disk {
    return {
      mkdir: async path => {
        for (let at = path; at !== '/'; at = parentOf(at)) this.#folders.add(at)
      },
      open: async (path, flags) => this.#open(path, flags !== 'r', { turn, mayWrite }),
      readdir: async path => {
        const all = [...this.#folders, ...this.#names.keys()]
        return all.filter(name => name !== '/' && parentOf(name) === path).map(nameOf)
      },
      rename: async (from, to) => {
        await turn(`rename ${shortOf(to)}`)
        this.#names.set(to, this.#find(from))
        this.#names.delete(from)
      },
      rm: async path => {
        await turn(`remove ${shortOf(path)}`)
        this.#names.delete(path)
      },
      stat: async path => {
        if (this.#folders.has(path)) return { size: 0, mtimeMs: 0, isFile: () => false }
        const { bytes, mtimeMs } = this.#find(path)
        return { size: bytes.length, mtimeMs, isFile: () => true }
      },
      syncFolder: async path => {
        await turn(`sync ${shortOf(path)}`)
        const isIn = (name: string) => name !== '/' && parentOf(name) === path
        for (const name of this.#folders) if (isIn(name)) this.#syncedFolders.add(name)
        for (const name of [...this.#syncedNames.keys()])
          if (isIn(name) && !this.#names.has(name)) this.#syncedNames.delete(name)
        for (const [name, content] of this.#names) if (isIn(name)) this.#syncedNames.set(name, content)
      },
    }
  }

  #open(path: string, isMade: boolean, { turn, mayWrite }: FolderAccess): OpenFile {
    if (isMade && !this.#names.has(path)) {
      if (!this.#folders.has(parentOf(path))) throw missing(path)
      this.#names.set(path, { bytes: nothing, synced: nothing, mtimeMs: 0 })
    }
    const content = this.#find(path)
    const label = shortOf(path)
    return {
      stat: async () => ({ size: content.bytes.length }),
      write: async (bytes, offset) => {
        await turn(`write ${label}`)
        mayWrite()
        const more = bytes.subarray(offset)
        const all = new Uint8Array(content.bytes.length + more.length)
        all.set(content.bytes)
        all.set(more, content.bytes.length)
        content.bytes = all
        return { bytesWritten: more.length }
      },
      read: async (into, offset, length, position) => {
        const found = content.bytes.subarray(position, position + length)
        into.set(found, offset)
        return { bytesRead: found.length }
      },
      utimes: async (_, seconds) => {
        content.mtimeMs = seconds * 1_000
      },
      sync: async () => {
        await turn(`sync ${label}`)
        content.synced = content.bytes
      },
      close: async () => undefined,
      createReadStream: ({ start, end }) => {
        async function* read() {
          await turn(`read ${label}`)
          yield content.bytes.slice(start, end + 1)
        }
        return Readable.from(read())
      },
    }
  }

  #find(path: string): Content {
    const content = this.#names.get(path)
    if (!content) throw missing(path)
    return content
  }

  #hasFolders(path: string): boolean {
    return this.#syncedFolders.has(parentOf(path))
  }
}

/** As the system says it. */
export function noSpace(): Error {
  return Object.assign(new Error('ENOSPC: no space left (injected)'), { code: 'ENOSPC' })
}

function missing(path: string): Error {
  return Object.assign(new Error(`ENOENT: no such file, ${path}`), { code: 'ENOENT' })
}

function parentOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/')) || '/'
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function shortOf(path: string): string {
  return path.slice(0, path.lastIndexOf('/') + 9)
}

const nothing = new Uint8Array()
