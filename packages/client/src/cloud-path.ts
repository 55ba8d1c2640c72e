import { CloudError, isWellFormed, utf8Length } from '@nearcloud/protocol'

/** Throws INVALID_PARAM unless a file can have this path: the original's rules (wxcloud API, storage). */
export function checkCloudPath(path: unknown): asserts path is string {
  const reason = refusalOf(path)
  if (reason !== undefined) throw new CloudError('INVALID_PARAM', { errMsg: `cloudPath ${reason}` })
}

/** The id a file with this path has, known before anybody stored it. */
export function fileIdOf(env: string, path: string): string {
  return `cloud://${env}.nearcloud/${path}`
}

function refusalOf(path: unknown): string | undefined {
  if (typeof path !== 'string' || path === '')
    return 'is required: where the file is to be stored, as in "images/a.jpg"'
  const parts = path.split('/')
  if (parts.includes('')) return 'must not begin or end with "/", nor have "//" in it'
  if (parts.includes('.') || parts.includes('..')) return 'must not have a part that is "." or ".."'
  if (!isWellFormed(path)) return 'has half a surrogate pair in it'
  if (utf8Length(path) > 850) return 'is longer than 850 bytes'
  for (let i = 0; i < path.length; i++)
    if (isControl(path.charCodeAt(i))) return 'has a control character in it'
  return undefined
}

function isControl(unit: number): boolean {
  return unit < 0x20 || (unit >= 0x7f && unit < 0xa0)
}
