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

/** What a type shows, in one canonical text. */
export function shownBy(type: AnyType): string {
  const parts: string[] = []
  const formats = new Map<string, string>()
  let run = ''
  let runFormats = ''
  const endRun = () => {
    if (run !== '') parts.push(`${JSON.stringify(run)}${runFormats}`)
    run = ''
  }
  for (let item = type._start; item !== null; item = item.right) {
    if (item.deleted) continue
    const { content } = item
    if (content instanceof Y.ContentFormat) {
      if (content.value === null) formats.delete(content.key)
      else formats.set(content.key, canonical(content.value))
      continue
    }
    const shown = [...formats].sort(byName).map(([key, value]) => `${JSON.stringify(key)}:${value}`)
    const withFormats = shown.length === 0 ? '' : `{${shown.join()}}`
    if (withFormats !== runFormats) endRun()
    runFormats = withFormats
    if (content instanceof Y.ContentString) run += content.str
    else {
      endRun()
      if (content instanceof Y.ContentType) parts.push(`<${shownBy(content.type)}>${withFormats}`)
      else for (const value of content.getContent()) parts.push(`${canonical(value)}${withFormats}`)
    }
  }
  endRun()
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
  const name = type instanceof Y.XmlElement ? JSON.stringify(type.nodeName) : ''
  return `${name}[${parts.join()}]${attributes.length === 0 ? '' : `{${attributes.join()}}`}`
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
