import { createHash } from 'node:crypto'
import { createReadStream, statSync } from 'node:fs'
import { basename } from 'node:path'
import type { Json } from '@nearcloud/protocol'
import { UsageError } from '../host.ts'
import { readCsv } from './csv.ts'
import { FormError, fromExport } from './export-forms.ts'
import { type Placed, readJson } from './read-json.ts'

/** A document of a file, and the line it begins at. */
export interface Read {
  readonly line: number
  readonly tree: Json
}

/** Documents of a file as JSON trees of canonical text, each with an `_id`. `dates`: columns of CSV. Throws a UsageError with the line for what is none. */
export async function* documentsIn(
  file: string,
  form: 'json' | 'csv',
  told: (done: number, total: number) => void,
  dates: readonly string[] = [],
): AsyncIterable<Read> {
  const seen = new Map<string, number>()
  try {
    const pieces = textOf(file, told)
    const placed: AsyncIterable<Placed> = form === 'json' ? readJson(pieces) : readCsv(pieces, dates)
    for await (const { line, tree } of placed) {
      try {
        yield { line, tree: named(fromExport(tree), seen) }
      } catch (thrown) {
        throw thrown instanceof FormError ? new FormError(`line ${line}: ${thrown.message}`) : thrown
      }
    }
  } catch (thrown) {
    if (!(thrown instanceof FormError)) throw thrown
    throw new UsageError(`${basename(file)}, ${thrown.message.replace(/\.$/, '')}. Nothing was imported.`)
  }
}

/** One without an `_id` is named by what it says, and which one of its equals it is: imported again it is the same. */
function named(tree: { [key: string]: Json }, seen: Map<string, number>): Json {
  if (Object.hasOwn(tree, '_id')) return tree
  const digest = createHash('sha256').update(JSON.stringify(tree)).digest('hex').slice(0, 24)
  const count = seen.get(digest) ?? 0
  seen.set(digest, count + 1)
  return { _id: `${digest}${count.toString(16).padStart(8, '0')}`, ...tree }
}

/** Throws FormError for what is not UTF-8. */
export async function* textOf(
  file: string,
  told: (done: number, total: number) => void,
): AsyncIterable<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  const { size } = statSync(file)
  let done = 0
  try {
    for await (const chunk of createReadStream(file)) {
      const bytes = chunk as Buffer
      yield decoder.decode(bytes, { stream: true })
      done += bytes.length
      told(done, size)
    }
    yield decoder.decode()
  } catch (thrown) {
    if (thrown instanceof TypeError) throw new FormError(`behind byte ${done}: the file is not in UTF-8`)
    throw thrown
  }
}
