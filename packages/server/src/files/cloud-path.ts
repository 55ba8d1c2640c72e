import { CloudError, isWellFormed, utf8Length } from '@nearcloud/protocol'

/**
 * Throws INVALID_PARAM, saying why, unless `path` can name a file: as the original, not empty, no `/` at either end, no
 * `//`, no control characters, at most 850 bytes; and no part that is `.` or `..`.
 *
 * A path is a name, never a place on a disk.
 */
export function checkCloudPath(path: unknown): asserts path is string {
  const reason = refusalOf(path)
  if (reason === undefined) return
  throw new CloudError('INVALID_PARAM', {
    errMsg: `cloudPath "${String(path).slice(0, 100)}" cannot name a file: ${reason}`,
    details: { reason },
  })
}

function refusalOf(path: unknown): string | undefined {
  if (typeof path !== 'string') return 'it is no text'
  if (path === '') return 'it is empty'
  if (!isWellFormed(path)) return 'it has half a surrogate pair'
  if (utf8Length(path) > maxBytes) return `it is longer than ${maxBytes} bytes`
  if (hasControl(path)) return 'it has a control character'
  const parts = path.split('/')
  if (parts.includes('')) return 'it begins or ends with "/" or has "//"'
  if (parts.includes('.') || parts.includes('..')) return 'it has a part that is "." or ".."'
  return undefined
}

/** The fileID of a path: `cloud://<env>.nearcloud/<cloudPath>`. */
export function fileIDOf(env: string, path: string): string {
  return `${prefixOf(env)}${path}`
}

/** The path a fileID of this environment means; undefined for anything else. */
export function pathOfFileID(env: string, fileID: string): string | undefined {
  const prefix = prefixOf(env)
  if (!fileID.startsWith(prefix)) return undefined
  const path = fileID.slice(prefix.length)
  return refusalOf(path) === undefined ? path : undefined
}

/** The last part of a path. */
export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1)
}

function prefixOf(env: string): string {
  return `cloud://${env}.nearcloud/`
}

function hasControl(text: string): boolean {
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    if (unit < 0x20 || (unit >= 0x7f && unit < 0xa0)) return true
  }
  return false
}

const maxBytes = 850
