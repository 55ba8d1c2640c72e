import { Readable } from 'node:stream'
import { type Json, parseJson } from '@nearcloud/protocol'
import { parse } from 'csv-parse'
import { FormError, isObject, place, toExport } from './export-forms.ts'
import type { Placed } from './read-json.ts'

/*
 * The first line names the fields, dots for nested ones. A cell that is not quoted is a number, true, false, null, JSON where it begins
 * with { or [, and a text otherwise; an empty one is no field. A quoted cell is a text, but for JSON ({, [ or "). In a column of dates a cell is
 * ISO 8601, with a zone where it has a time, or milliseconds since 1970.
 */

/** `dates`: names of columns. Throws FormError with the line. */
export async function* readCsv(
  pieces: AsyncIterable<string>,
  dates: readonly string[] = [],
): AsyncIterable<Placed> {
  const parser = Readable.from(pieces).pipe(
    parse({
      bom: true,
      skip_empty_lines: true,
      cast: (text, { quoting }) => ({ text, quoting }),
      info: true,
      max_record_size: 4_000_000,
    }),
  )
  let names: readonly string[] | undefined
  try {
    for await (const { record, info } of parser as AsyncIterable<{
      record: readonly Cell[]
      info: { lines: number }
    }>) {
      const { lines: line } = info
      if (!names) {
        names = record.map(({ text, quoting }) => (quoting ? text : text.trim()))
        if (names.includes('')) throw new FormError(`line ${line}: a column without a name`)
        for (const name of dates)
          if (!names.includes(name)) throw new FormError(`line ${line}: there is no column "${name}"`)
        continue
      }
      yield { line, tree: rowFrom(names, record, { line, dates }) }
    }
  } catch (thrown) {
    if (thrown instanceof FormError) throw thrown
    const { lines, message } = thrown as { lines?: number; message: string }
    throw new FormError(`${lines === undefined ? '' : `line ${lines}: `}${message}`)
  }
}

interface Cell {
  readonly text: string
  readonly quoting: boolean
}

function rowFrom(
  names: readonly string[],
  cells: readonly Cell[],
  { line, dates }: { readonly line: number; readonly dates: readonly string[] },
): Json {
  const fields: { [key: string]: Json } = {}
  for (const [n, name] of names.entries())
    try {
      const value = dates.includes(name) ? dateIn(cells[n]!, name) : valueIn(cells[n]!)
      if (value !== undefined) place(fields, name, value)
    } catch (thrown) {
      throw new FormError(`line ${line}: ${(thrown as Error).message}`)
    }
  return fields
}

function valueIn({ text, quoting }: Cell): Json | undefined {
  if (/^[{["]/.test(text))
    try {
      return parseJson(text, 100)
    } catch {
      return text
    }
  if (quoting) return text
  if (text === '') return undefined
  if (isNumber(text)) return Number(text)
  return text in words ? words[text as keyof typeof words] : text
}

function dateIn(cell: Cell, name: string): Json | undefined {
  const { text } = cell
  if (text === '' || text === 'null' || text.startsWith('{')) return valueIn({ text, quoting: false })
  const isWritten = /^-?\d{1,16}$/.test(text) || (dateForm.test(text) && isDay(text.slice(0, 10)))
  const ms = new Date(/^-?\d+$/.test(text) ? Number(text) : text).getTime()
  if (isWritten && !Number.isNaN(ms)) return { $date: ms }
  const isZoneless = dateForm.test(`${text.replace(' ', 'T')}Z`)
  throw new FormError(
    `"${name}" is no date${isZoneless ? ' with a zone, as in 2018-08-31T17:30:00+08:00' : ''}: ${text.slice(0, 40)}`,
  )
}

/** February has no 30th. */
function isDay(text: string): boolean {
  const ms = Date.parse(text)
  return !Number.isNaN(ms) && new Date(ms).toISOString().startsWith(text)
}

const dateForm = /^\d{4}-\d{2}-\d{2}(?:T\d{2}:\d{2}(?::\d{2}(?:\.\d{1,9})?)?(?:Z|[+-]\d{2}:\d{2}))?$/

/** As numbers are written; `007` and `1e5` are texts. */
function isNumber(text: string): boolean {
  return (
    /^-?\d/.test(text) && (String(Number(text)) === text || /^-?(?:0|[1-9]\d{0,14})\.\d{1,15}$/.test(text))
  )
}

/** The first line. */
export function csvHeader(names: readonly string[]): string {
  return names.map(name => (isPlain(name) ? name : quoted(name))).join(',')
}

/** One line, of these fields in their order. */
export function csvLine(cells: readonly (Json | undefined)[]): string {
  return cells.map(cellOf).join(',')
}

function cellOf(value: Json | undefined): string {
  if (value === undefined) return ''
  if (typeof value === 'object' && value !== null) return quoted(JSON.stringify(value))
  if (typeof value !== 'string') return String(value)
  if (/^[{["]/.test(value)) return quoted(JSON.stringify(value))
  return isPlain(value) && !isNumber(value) && !(value in words) ? value : quoted(value)
}

function isPlain(text: string): boolean {
  return text !== '' && !/[",\r\n]|^\s|\s$|^\ufeff/.test(text)
}

function quoted(text: string): string {
  return `"${text.replaceAll('"', '""')}"`
}

/** The fields of a document by their dotted names; lists and types are one field. */
export function flatten(tree: Json, into = new Map<string, Json>(), prefix = ''): Map<string, Json> {
  for (const [key, value] of Object.entries(isObject(tree) ? tree : {})) {
    const name = `${prefix}${key}`
    const inner = isObject(value) ? Object.keys(value) : []
    if (inner.length > 0 && !inner[0]!.startsWith('$')) flatten(value, into, `${name}.`)
    else into.set(name, toExport(value))
  }
  return into
}

const words = { true: true, false: false, null: null } as const
