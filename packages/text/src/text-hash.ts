import * as Y from 'yjs'
import { type AnyType, pinnedRoot } from './replica.ts'

/**
 * Sixteen hexadecimal digits of what a document shows: characters, formats, embedded values, types within types. Replicas
 * that show the same have the same, whatever their histories; equal state vectors do not promise that.
 */
export function textHash(doc: Y.Doc): string {
  const root = pinnedRoot(doc)
  return hashOf(root === undefined ? '[]' : shownBy(doc.get(root)))
}

/**
 * What a type shows, in one canonical text: runs of characters and other content, each behind the formats that begin or end
 * there. However often a format was set on the way, only what differs for what is shown is in it.
 */
export function shownBy(type: AnyType): string {
  const parts: string[] = []
  const formats = new Formats()
  let run = ''
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted) continue
    const { content } = item
    if (content instanceof Y.ContentFormat) {
      formats.set(content.key, content.value)
      continue
    }
    const changes = formats.changes()
    if (run !== '' && (changes !== '' || !(content instanceof Y.ContentString))) {
      parts.push(JSON.stringify(run))
      run = ''
    }
    if (changes !== '') parts.push(changes)
    if (content instanceof Y.ContentString) run += content.str
    else if (content instanceof Y.ContentType) parts.push(`<${shownBy(content.type)}>`)
    else for (const value of content.getContent()) parts.push(canonical(value))
  }
  if (run !== '') parts.push(JSON.stringify(run))
  const name = type instanceof Y.XmlElement ? JSON.stringify(type.nodeName) : ''
  return `${name}[${parts.join()}]${attributesOf(type)}`
}

/** Formats as one goes through a text: what they are where something is shown, told as changes. */
class Formats {
  readonly #told = new Map<string, string>()
  readonly #pending = new Map<string, string | undefined>()

  set(name: string, value: unknown): void {
    this.#pending.set(name, value === null ? undefined : canonical(value))
  }

  /** What changed since it was asked last, or nothing. */
  changes(): string {
    if (this.#pending.size === 0) return ''
    const changes: string[] = []
    for (const [name, value] of [...this.#pending].sort(byName)) {
      if (this.#told.get(name) === value) continue
      if (value === undefined) this.#told.delete(name)
      else this.#told.set(name, value)
      changes.push(`${JSON.stringify(name)}:${value}`)
    }
    this.#pending.clear()
    return changes.length === 0 ? '' : `{${changes.join()}}`
  }
}

function attributesOf(type: AnyType): string {
  const attributes: string[] = []
  for (const [key, item] of [...type._map].sort(byName)) {
    if (item.deleted) continue
    const { content } = item
    const shown =
      content instanceof Y.ContentType
        ? `<${shownBy(content.type)}>`
        : canonical(content.getContent()[item.length - 1])
    attributes.push(`${JSON.stringify(key)}=${shown}`)
  }
  return attributes.length === 0 ? '' : `{${attributes.join()}}`
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : a > b ? 1 : 0
}

/** JSON with the fields of objects in the order of their names. */
function canonical(value: unknown): string {
  if (value === undefined) return 'undefined'
  if (Array.isArray(value)) return `[${value.map(canonical).join()}]`
  if (value instanceof Uint8Array) return `bytes(${value.join()})`
  if (typeof value === 'object' && value !== null) {
    const fields = Object.entries(value).sort(byName)
    return `{${fields.map(([key, inner]) => `${JSON.stringify(key)}:${canonical(inner)}`).join()}}`
  }
  return typeof value === 'number' ? String(Object.is(value, -0) ? '-0' : value) : JSON.stringify(value)
}

/** Every unit moves all 64 bits. Finds accidents; no defence against who wants two texts to look alike. */
function hashOf(text: string): string {
  let low = 0x9e3779b9
  let high = 0x7f4a7c15
  for (let at = 0; at < text.length; at++) {
    const unit = text.charCodeAt(at)
    low = Math.imul(low ^ unit, 0x85ebca6b)
    high = Math.imul(high ^ unit ^ (low >>> 16), 0xc2b2ae35)
    low ^= low >>> 15
    high ^= high >>> 13
  }
  return [high, low].map(half => (half >>> 0).toString(16).padStart(8, '0')).join('')
}
