import { Buffer } from 'node:buffer'
import { isBuffer } from '../host.ts'
import { dead, type PhoneDisk } from './phone-disk.ts'
import type { MiniProcess } from './process.ts'
import { checkOptions, strict } from './strict.ts'

type Options = { success?(result: object): void; fail?(error: object): void; [name: string]: unknown }

/** `wx.getFileSystemManager()`, as far as it is known here. */
export function wxFiles(disk: PhoneDisk, process: MiniProcess, root: string): Record<string, unknown> {
  const method =
    (
      api: string,
      known: Parameters<typeof checkOptions>[2],
      work: (options: Record<string, unknown>) => object,
    ) =>
    (options: Options) => {
      checkOptions(api, options, known)
      process.answer(api, options, () => {
        if (!process.isAlive) throw dead
        return work(options)
      })
    }
  const writable = (path: unknown): string => {
    if (typeof path !== 'string' || !path.startsWith(`${root}/`))
      throw new Error(`permission denied, open "${String(path)}"`)
    const last = path.slice(path.lastIndexOf('/') + 1)
    if (last === '' || last === '.' || last === '..' || last.length > 255 || path.includes('//', root.length))
      throw new Error(`Invalid argument, open "${path}"`)
    return path
  }
  const parentOf = (path: string) => path.slice(0, path.lastIndexOf('/'))
  const isFolder = (path: string) => path === root || disk.folders.has(path)
  const missing = (path: string) => new Error(`no such file or directory, open "${path}"`)
  const file = (path: string): Uint8Array => {
    const bytes = disk.files.get(path)
    if (bytes) return bytes
    throw isFolder(path) ? new Error(`illegal operation on a directory, open "${path}"`) : missing(path)
  }
  const bytesOf = (data: unknown, encoding: unknown): Uint8Array => {
    if (isBuffer(data)) return new Uint8Array(data.slice(0))
    if (typeof data !== 'string') throw new Error('data should be String or ArrayBuffer')
    if (encoding !== undefined && encoding !== 'utf8') throw new Error(`invalid encoding ${String(encoding)}`)
    return new Uint8Array(Buffer.from(data, 'utf8'))
  }

  return strict('the file system manager', {
    mkdir: method('mkdir', { needed: ['dirPath'], optional: ['recursive'] }, ({ dirPath, recursive }) => {
      const path = writable(dirPath)
      if (isFolder(path) || disk.files.has(path)) throw new Error(`file already exists ${path}`)
      if (!recursive && !isFolder(parentOf(path))) throw missing(path)
      disk.step(() => {
        for (let at = path; at !== root; at = parentOf(at)) disk.folders.add(at)
      })
      return {}
    }),

    readdir: method('readdir', { needed: ['dirPath'] }, ({ dirPath }) => {
      const path = String(dirPath)
      if (!isFolder(path)) throw missing(path)
      const inside = [...disk.files.keys(), ...disk.folders].filter(each => parentOf(each) === path)
      return { files: inside.map(each => each.slice(path.length + 1)) }
    }),

    readFile: method(
      'readFile',
      { needed: ['filePath'], optional: ['encoding', 'position', 'length'] },
      ({ filePath, encoding }) => {
        const bytes = file(String(filePath))
        if (bytes.length > 100 * 1_048_576) throw new Error('exceed max size')
        if (encoding === undefined) return { data: new Uint8Array(bytes).buffer }
        if (encoding !== 'utf8') throw new Error(`invalid encoding ${String(encoding)}`)
        // as on phones whose system makes no text of what is none
        return { data: new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes) }
      },
    ),

    writeFile: method(
      'writeFile',
      { needed: ['filePath', 'data'], optional: ['encoding'] },
      ({ filePath, data, encoding }) => {
        const path = writable(filePath)
        if (!isFolder(parentOf(path))) throw missing(path)
        if (isFolder(path)) throw new Error(`illegal operation on a directory, open "${path}"`)
        disk.write(path, new Uint8Array(0), bytesOf(data, encoding))
        return {}
      },
    ),

    appendFile: method(
      'appendFile',
      { needed: ['filePath', 'data'], optional: ['encoding'] },
      ({ filePath, data, encoding }) => {
        const path = writable(filePath)
        disk.write(path, file(path), bytesOf(data, encoding))
        return {}
      },
    ),

    rename: method('rename', { needed: ['oldPath', 'newPath'] }, ({ oldPath, newPath }) => {
      const from = writable(oldPath)
      const to = writable(newPath)
      const bytes = file(from)
      if (!isFolder(parentOf(to))) throw missing(to)
      if (disk.files.has(to) || isFolder(to)) throw new Error(`file already exists ${to}`)
      disk.step(() => {
        disk.files.delete(from)
        disk.files.set(to, bytes)
      })
      return {}
    }),

    unlink: method('unlink', { needed: ['filePath'] }, ({ filePath }) => {
      const path = writable(filePath)
      file(path)
      disk.step(() => void disk.files.delete(path))
      return {}
    }),
  })
}
