import {
  fromBase64,
  isPlainObject,
  limits,
  NewText,
  type PathChange,
  type TextWrite,
  type Value,
  type Write,
} from '@nearcloud/protocol'
import { checkPath, indexOf, joinPath, segmentsOf } from '../paths.ts'
import { refuse } from '../refusals.ts'

/** A text that a write begins: where, and with what. */
export type BegunText = readonly [path: string, content: string]

/** The texts that a checked write begins. */
export function textsBegun(write: Write): readonly BegunText[] {
  const found: BegunText[] = []
  if (write.op === 'add' || write.op === 'set') collect(write.data, '', found)
  else if (write.op === 'update')
    for (const [path, operator, argument] of write.changes)
      if (operator === 'set') collect(argument, path, found)
  return found
}

/** Throws INVALID_PARAM for a text that begins anywhere but in a field, and for more of them than a document has. */
export function checkDataTexts(data: Value): void {
  if (!holdsText(data)) return
  const found: BegunText[] = []
  collect(data, '', found)
  checkBegun(found)
}

/** As `checkDataTexts`, of all changes of an update. */
export function checkChangeTexts(changes: readonly PathChange[]): void {
  const found: BegunText[] = []
  for (const [path, operator, argument, guards] of changes) {
    if (!holdsText(argument)) continue
    if (operator !== 'set')
      throw refuse(`"${path}": a text begins in a field that is set, not with ${operator}`)
    if (guards) throw refuse(`"${path}": a text cannot be in an element of an array`)
    collect(argument, path, found)
  }
  checkBegun(found)
}

/** Throws INVALID_PARAM for an edit of a text that names none. Whether there is such a text is not looked at. */
export function checkTextWrite({ path, text, update, shows }: TextWrite): void {
  checkPath(path)
  if (typeof text !== 'string' || text === '' || text.length > 64)
    throw refuse('a text is named by up to 64 letters')
  if (typeof update !== 'string' || update.length > (limits.textUpdateBytes / 3) * 4 + 4)
    throw refuse(`an edit of a text has at most ${limits.textUpdateBytes} bytes: make it in parts`)
  if (fromBase64(update) === undefined) throw refuse('an edit of a text is base64')
  if (shows !== undefined && (!Array.isArray(shows) || shows.length !== 3))
    throw refuse('shows is where, how much and what')
}

/** The plain field after an edit that shows there as `shows` says. */
export function editedPlain(plain: string, [at, removed, inserted]: NonNullable<TextWrite['shows']>): string {
  const from = Math.min(at, plain.length)
  return plain.slice(0, from) + inserted + plain.slice(from + removed)
}

/** The value with texts that begin as what they begin with; the same object when it holds none. */
export function withPlainTexts(value: Value): Value {
  if (!holdsText(value)) return value
  if (value instanceof NewText) return value.content
  if (Array.isArray(value)) return Object.freeze((value as readonly Value[]).map(withPlainTexts))
  const source = value as { readonly [key: string]: Value }
  return Object.freeze(
    Object.fromEntries(Object.keys(source).map(key => [key, withPlainTexts(source[key]!)])),
  )
}

function checkBegun(found: readonly BegunText[]): void {
  if (found.length > limits.documentTexts)
    throw refuse(`more than ${limits.documentTexts} texts in one document`)
  for (const [path] of found) {
    const segments = segmentsOf(path)
    if (segments[0] === '_openid') throw refuse('_openid is no text')
    if (segments.some(segment => segment === '' || indexOf(segment) >= 0))
      throw refuse(`"${path}": a text is a field with a name, not a number, and not in an array`)
  }
}

function holdsText(value: Value): boolean {
  if (value === null || typeof value !== 'object') return false
  if (value instanceof NewText) return true
  if (Array.isArray(value)) return (value as readonly Value[]).some(holdsText)
  if (!isPlainObject(value)) return false
  for (const key in value) if (holdsText(value[key]!)) return true
  return false
}

/** Those in arrays have a number in their path. */
function collect(value: Value, path: string, found: BegunText[]): void {
  if (value instanceof NewText) found.push([path, value.content])
  else if (Array.isArray(value))
    for (const [i, item] of (value as readonly Value[]).entries())
      collect(item, joinPath(path, String(i)), found)
  else if (isPlainObject(value))
    for (const key of Object.keys(value)) collect(value[key]!, joinPath(path, key), found)
}
