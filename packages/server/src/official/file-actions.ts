import { type FilesAsk, limits } from '@nearcloud/protocol'
import { cloudbaseError } from '@nearcloud/query/dialects'
import type { Actor } from '../actor.ts'
import type { Files } from '../files/files.ts'
import type { FileAction } from './official-call.ts'
import { fieldsOf, invalid, listOf, textOf } from './wire/shapes.ts'

/** What the server says of one file of a list. */
interface FileStatus {
  readonly fileID: string
  readonly status: number
  readonly tempFileURL?: string
  readonly origin?: string
  readonly maxAge?: number
}

export const fileActions: Readonly<Record<string, FileAction>> = {
  async 'storage.getUploadMetadata'({ actor }, { path }, { files, origin }) {
    const { fileID, uploadUrl } = files.wholeUpload(actor, textOf(path, 'path'))
    const url = `${origin}${uploadUrl}`
    // the address says it all; the SDKs send these back in headers
    return { data: { url, fileId: fileID, cosFileId: 'none', token: 'none', authorization: 'none' } }
  },

  async 'storage.batchGetDownloadUrl'({ actor }, { file_list: list }, { files, origin }) {
    const wanted = listOf(list, 'file_list').map(each => {
      const { fileid: fileID, max_age: maxAge } = fieldsOf(each, 'a file')
      if (maxAge !== undefined && !Number.isSafeInteger(maxAge))
        throw invalid('max_age is a number of seconds')
      return { fileID: textOf(fileID, 'fileid'), ...(maxAge !== undefined && { maxAge: maxAge as number }) }
    })
    const found = await answered(files.ask(actor, { verb: 'urls', files: wanted } satisfies FilesAsk, true))
    return {
      data: {
        download_list: found.map(({ fileID, status, origin: apart = origin, tempFileURL = '', maxAge }) => ({
          fileID,
          code: codeOf(status),
          ...urlsOf(tempFileURL === '' ? '' : `${apart}${tempFileURL}`),
          maxAge,
        })),
      },
    }
  },

  async 'storage.batchDeleteFile'({ actor }, { fileid_list: list }, { files }) {
    const wanted = listOf(list, 'fileid_list').map(each => textOf(each, 'a fileID'))
    const found = await answered(files.ask(actor, { verb: 'delete', files: wanted } satisfies FilesAsk))
    return { data: { delete_list: found.map(({ fileID, status }) => ({ fileID, code: codeOf(status) })) } }
  },

  async 'storage.batchCopyFile'({ actor }, { file_list: list }, { files }) {
    const wanted = listOf(list, 'file_list').map(each => {
      const { src_path, dst_path, overwrite, remove_original } = fieldsOf(each, 'a copy')
      return { srcPath: src_path, dstPath: dst_path, overwrite, removeOriginal: remove_original }
    })
    return { data: { copy_list: await copied(files, actor, wanted) } }
  },
}

/** js-sdk has another word for it. */
function urlsOf(url: string): object {
  return { tempFileURL: url, download_url: url }
}

interface Copied {
  readonly fileID: string
  readonly code: string
  readonly message?: string
}

/** Each as it went; `{ srcPath, dstPath, overwrite, removeOriginal }`. */
export async function copied(
  files: Pick<Files, 'copy'>,
  actor: Actor,
  list: readonly Readonly<Record<string, unknown>>[],
): Promise<readonly Copied[]> {
  if (list.length === 0 || list.length > limits.fileListItems)
    throw invalid(`a list names 1 to ${limits.fileListItems} files`)
  const asked = list.map(({ srcPath, dstPath, overwrite, removeOriginal }) => ({
    from: textOf(srcPath, 'the path of a file'),
    to: textOf(dstPath, 'the path of a copy'),
    overwrites: overwrite !== false,
    removes: removeOriginal === true,
  }))
  const results: Copied[] = []
  for (const each of asked) {
    try {
      results.push({ fileID: await files.copy(actor, each), code: 'SUCCESS' })
    } catch (thrown) {
      const { code, message } = cloudbaseError(thrown)
      if (code === 'SYS_ERR') throw thrown
      results.push({ fileID: '', code, message })
    }
  }
  return results
}

export async function answered(asked: Promise<unknown>): Promise<readonly FileStatus[]> {
  return ((await asked) as { readonly fileList: readonly FileStatus[] }).fileList
}

/** The original's word for its number. */
export function codeOf(status: number): string {
  if (status === 0) return 'SUCCESS'
  return status === -503002 ? 'STORAGE_EXCEED_AUTHORITY' : 'STORAGE_FILE_NONEXIST'
}
