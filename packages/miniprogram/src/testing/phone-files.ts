import { Buffer } from 'node:buffer'
import { isBuffer } from '@nearcloud/client'
import { dead, type PhoneDisk } from './phone-disk.ts'
import type { CallbackOptions, MiniProcess } from './process.ts'
import { checkOptions, strict } from './strict.ts'

export type FileFailureKind = 'missing' | 'exists' | 'denied' | 'invalid' | 'folder' | 'tooLarge'

/** Why nothing was done, for a host to word. The message is WeChat's. */
export class FileFailure extends Error {
  readonly kind: FileFailureKind

  constructor(kind: FileFailureKind, path: string) {
    super(words[kind](path))
    this.kind = kind
  }
}

const words: Readonly<Record<FileFailureKind, (path: string) => string>> = {
  missing: path => `no such file or directory, open "${path}"`,
  exists: path => `file already exists ${path}`,
  denied: path => `permission denied, open "${path}"`,
  invalid: path => `Invalid argument, open "${path}"`,
  folder: path => `illegal operation on a directory, open "${path}"`,
  tooLarge: () => 'exceed max size',
}

export interface FilesManner {
  /** Of one file, to be read and to be written. */
  readonly mostRead: number
  readonly mostWritten: number
  /** What functions say besides. */
  readonly done: object
  readonly read: (data: string | ArrayBuffer) => object
}

/** A host's file system manager, as far as it is known here: files below `root` may be made. */
export function phoneFiles(
  disk: PhoneDisk,
  process: MiniProcess,
  root: string,
  { mostRead, mostWritten, done, read }: FilesManner,
): Record<string, unknown> {
  const method =
    (
      api: string,
      known: Parameters<typeof checkOptions>[2],
      work: (options: Record<string, unknown>) => object,
    ) =>
    (options: CallbackOptions) => {
      checkOptions(api, options, known)
      process.answer(api, options, () => {
        if (!process.isAlive) throw dead
        return work(options)
      })
    }
  const writable = (path: unknown): string => {
    if (typeof path !== 'string' || !path.startsWith(`${root}/`))
      throw new FileFailure('denied', String(path))
    const last = path.slice(path.lastIndexOf('/') + 1)
    if (last === '' || last === '.' || last === '..' || last.length > 255 || path.includes('//', root.length))
      throw new FileFailure('invalid', path)
    return path
  }
  const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/'))
  const isFolder = (path: string) => path === root || disk.folders.has(path)
  const file = (path: string): Uint8Array => {
    const bytes = disk.files.get(path)
    if (bytes) return bytes
    throw new FileFailure(isFolder(path) ? 'folder' : 'missing', path)
  }
  const write = (path: string, before: Uint8Array, data: unknown, encoding: unknown) => {
    const added = bytesOf(data, encoding)
    if (before.length + added.length > mostWritten) throw new FileFailure('tooLarge', path)
    disk.write(path, before, added)
    return done
  }

  return strict('the file system manager', {
    mkdir: method('mkdir', { needed: ['dirPath'], optional: ['recursive'] }, ({ dirPath, recursive }) => {
      const path = writable(dirPath)
      if (isFolder(path) || disk.files.has(path)) throw new FileFailure('exists', path)
      if (!recursive && !isFolder(parentOf(path))) throw new FileFailure('missing', path)
      disk.step(() => {
        for (let at = path; at !== root; at = parentOf(at)) disk.folders.add(at)
      })
      return done
    }),

    readdir: method('readdir', { needed: ['dirPath'] }, ({ dirPath }) => {
      const path = String(dirPath)
      if (!isFolder(path)) throw new FileFailure('missing', path)
      const inside = [...disk.files.keys(), ...disk.folders].filter(each => parentOf(each) === path)
      return { files: inside.map(each => each.slice(path.length + 1)) }
    }),

    readFile: method(
      'readFile',
      { needed: ['filePath'], optional: ['encoding', 'position', 'length'] },
      ({ filePath, encoding }) => {
        const bytes = file(String(filePath))
        if (bytes.length > mostRead) throw new FileFailure('tooLarge', String(filePath))
        if (encoding === undefined) return read(new Uint8Array(bytes).buffer as ArrayBuffer)
        checkEncoding(encoding)
        // as on phones whose system makes no text of what is none
        return read(new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes))
      },
    ),

    writeFile: method(
      'writeFile',
      { needed: ['filePath', 'data'], optional: ['encoding'] },
      ({ filePath, data, encoding }) => {
        const path = writable(filePath)
        if (!isFolder(parentOf(path))) throw new FileFailure('missing', path)
        if (isFolder(path)) throw new FileFailure('folder', path)
        return write(path, new Uint8Array(0), data, encoding)
      },
    ),

    appendFile: method(
      'appendFile',
      { needed: ['filePath', 'data'], optional: ['encoding'] },
      ({ filePath, data, encoding }) => {
        const path = writable(filePath)
        return write(path, file(path), data, encoding)
      },
    ),

    rename: method('rename', { needed: ['oldPath', 'newPath'] }, ({ oldPath, newPath }) => {
      const from = writable(oldPath)
      const to = writable(newPath)
      const bytes = file(from)
      if (!isFolder(parentOf(to))) throw new FileFailure('missing', to)
      if (disk.files.has(to) || isFolder(to)) throw new FileFailure('exists', to)
      disk.step(() => {
        disk.files.delete(from)
        disk.files.set(to, bytes)
      })
      return done
    }),

    unlink: method('unlink', { needed: ['filePath'] }, ({ filePath }) => {
      const path = writable(filePath)
      file(path)
      disk.step(() => void disk.files.delete(path))
      return done
    }),
  })
}

function bytesOf(data: unknown, encoding: unknown): Uint8Array {
  if (isBuffer(data)) return new Uint8Array(data.slice(0))
  if (typeof data !== 'string') throw new Error('data should be String or ArrayBuffer')
  if (encoding !== undefined) checkEncoding(encoding)
  return new Uint8Array(Buffer.from(data, 'utf8'))
}

function checkEncoding(encoding: unknown): void {
  if (encoding !== 'utf8') throw new Error(`invalid encoding ${String(encoding)}`)
}
