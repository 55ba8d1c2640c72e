import { bufferOf } from '@nearcloud/client'
import { type Answer, asked, type HostFiles, hostWords } from './host.ts'

/** A host's file system manager, as far as it is used. */
export interface FileSystem {
  mkdir(options: { dirPath: string; recursive: boolean } & Answer): void
  readdir(options: { dirPath: string } & Answer<{ files: readonly string[] }>): void
  readFile(options: { filePath: string; encoding?: 'utf8' } & Answer<{ data: string | ArrayBuffer }>): void
  writeFile(options: { filePath: string; data: string | ArrayBuffer; encoding?: 'utf8' } & Answer): void
  appendFile(options: { filePath: string; data: string; encoding: 'utf8' } & Answer): void
  rename(options: { oldPath: string; newPath: string } & Answer): void
  unlink(options: { filePath: string } & Answer): void
}

/** Files below `root`. Failures have WeChat's words for what was there already, or was not there. */
export function hostFiles(fs: FileSystem, root: string): HostFiles {
  return {
    root,
    async makeFolder(dirPath) {
      await asked(answer => fs.mkdir({ dirPath, recursive: true, ...answer })).catch(unless(/already exists/))
    },
    async list(dirPath) {
      const { files } = await asked<{ files: readonly string[] }>(answer =>
        fs.readdir({ dirPath, ...answer }),
      )
      return files
    },
    async readText(filePath) {
      const read = (answer: Answer<{ data: unknown }>) =>
        fs.readFile({ filePath, encoding: 'utf8', ...answer })
      return (await asked<{ data: string }>(read)).data
    },
    async readBytes(filePath) {
      const { data } = await asked<{ data: ArrayBuffer }>(answer =>
        fs.readFile({ filePath, ...answer } as Parameters<FileSystem['readFile']>[0]),
      )
      return new Uint8Array(data)
    },
    async write(filePath, data) {
      const what = typeof data === 'string' ? ({ data, encoding: 'utf8' } as const) : { data: bufferOf(data) }
      await asked(answer => fs.writeFile({ filePath, ...what, ...answer }))
    },
    async append(filePath, data) {
      await asked(answer => fs.appendFile({ filePath, data, encoding: 'utf8', ...answer }))
    },
    async rename(oldPath, newPath) {
      await asked(answer => fs.rename({ oldPath, newPath, ...answer }))
    },
    async remove(filePath) {
      await asked(answer => fs.unlink({ filePath, ...answer })).catch(unless(/no such file/))
    },
  }
}

function unless(words: RegExp): (error: unknown) => void {
  return error => {
    if (!words.test(hostWords(error))) throw error
  }
}
