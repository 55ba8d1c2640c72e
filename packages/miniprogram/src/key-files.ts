import { fromBase64, toBase64 } from '@nearcloud/protocol'
import type { HostFiles, HostKeys } from './host.ts'

/** Keys that can be listed. */
export interface ListedKeys extends HostKeys {
  names(): readonly string[]
}

/** A file: its texts one after the other, or its bytes as one text in base64. */
interface KeptFile {
  readonly kind: 't' | 'b'
  readonly parts: readonly number[]
}

/**
 * Files in the key-value storage, for hosts that have no other: a key for each file names the parts it is made of, each another key. Parts
 * are written before the key that names them and removed after it, so a file is whole under its name; what a death left over is
 * removed at the next beginning. Nothing here can be shown: the app reads and keeps no files of its own.
 */
export function keyFiles(keys: ListedKeys): HostFiles {
  const files = new Map<string, KeptFile>()
  const uses = new Map<number, number>()
  let next = 1
  let isLoaded = false

  const load = () => {
    if (isLoaded) return
    isLoaded = true
    const names = keys.names()
    for (const name of names) {
      const [, kind, parts] =
        /^([tb])([\d,]*)$/.exec((name.startsWith(filePrefix) && keys.get(name)) || '') ?? []
      if (!kind) continue
      const file = { kind, parts: parts === '' ? [] : parts!.split(',').map(Number) } as KeptFile
      files.set(name.slice(filePrefix.length), file)
      use(file.parts, 1)
    }
    for (const name of names) {
      if (!name.startsWith(partPrefix)) continue
      const id = Number(name.slice(partPrefix.length))
      next = Math.max(next, id + 1)
      if (!uses.has(id)) keys.remove(name)
    }
  }
  const use = (parts: readonly number[], by: 1 | -1) => {
    for (const id of parts) {
      const count = (uses.get(id) ?? 0) + by
      if (count > 0) uses.set(id, count)
      else {
        uses.delete(id)
        keys.remove(partPrefix + id)
      }
    }
  }
  const fileOf = (path: string): KeptFile => {
    load()
    const file = files.get(path)
    if (!file) throw missing(path)
    return file
  }
  const textOf = (path: string, { parts }: KeptFile) =>
    parts
      .map(id => {
        const text = keys.get(partPrefix + id)
        if (text === undefined) throw missing(path)
        return text
      })
      .join('')
  /** The file is `kept` and `added` from now on. */
  const become = (path: string, kind: KeptFile['kind'], kept: readonly number[], added: string) => {
    const fresh: number[] = []
    const former = files.get(path)?.parts ?? []
    const nameParts = () => {
      const file = { kind, parts: [...kept, ...fresh] }
      const name = kind + file.parts.join()
      try {
        keys.set(filePrefix + path, name)
      } finally {
        // who says that it failed may have done it all the same
        if (keys.get(filePrefix + path) === name) {
          files.set(path, file)
          use(file.parts, 1)
          use(former, -1)
        }
      }
    }
    try {
      for (let at = 0; at < added.length; at += partUnits) {
        fresh.push(next)
        keys.set(partPrefix + next++, added.slice(at, at + partUnits))
      }
      nameParts()
    } finally {
      for (const id of fresh) if (!uses.has(id)) keys.remove(partPrefix + id)
    }
  }
  const forget = (path: string) => {
    const { parts } = fileOf(path)
    keys.remove(filePrefix + path)
    files.delete(path)
    use(parts, -1)
  }

  return {
    root,
    makeFolder: async () => undefined,
    async list(path) {
      load()
      const inside = [...files.keys()].filter(each => each.startsWith(`${path}/`))
      return inside.map(each => each.slice(path.length + 1)).filter(name => !name.includes('/'))
    },
    readText: async path => textOf(path, fileOf(path)),
    async readBytes(path) {
      const file = fileOf(path)
      const bytes = file.kind === 'b' ? fromBase64(textOf(path, file)) : undefined
      if (!bytes) throw missing(path)
      return bytes
    },
    async write(path, data) {
      load()
      // the app would be given an address that shows nothing
      if (!path.startsWith(`${root}/nearcloud/`)) throw missing(path)
      if (typeof data === 'string') become(path, 't', [], data)
      else become(path, 'b', [], toBase64(data))
    },
    async append(path, text) {
      const { kind, parts } = fileOf(path)
      const last = parts.slice(-1)
      const before = textOf(path, { kind, parts: last })
      if (before.length + text.length > partUnits) become(path, kind, parts, text)
      else become(path, kind, parts.slice(0, -1), before + text)
    },
    async rename(from, to) {
      const { kind, parts } = fileOf(from)
      become(to, kind, parts, '')
      forget(from)
    },
    async remove(path) {
      load()
      if (files.has(path)) forget(path)
    },
  }
}

function missing(path: string): object {
  return {
    error: 10_022,
    errMsg: `no such file or directory: ${path} (this host has no files: give the app the ability 文件管理器)`,
  }
}

const root = 'keys:'
const filePrefix = 'nearcloud-file/'
const partPrefix = 'nearcloud-part/'
/** UTF-16 units, of three bytes at most: 200 KB is the limit of a key. */
const partUnits = 60_000
