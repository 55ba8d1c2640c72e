import { once } from 'node:events'
import { createWriteStream, existsSync, renameSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'
import type { DocId, Json } from '@nearcloud/protocol'
import { documentsAsOperator, type ImportMode, type OperatorDocuments, type Written } from '@nearcloud/server'
import { defineCommand } from 'citty'
import { csvHeader, csvLine, flatten } from './documents/csv.ts'
import { documentsIn, type Read, textOf } from './documents/documents-in.ts'
import { toExport } from './documents/export-forms.ts'
import { readJson } from './documents/read-json.ts'
import { checkNames, place, placeOf } from './function-commands.ts'
import { type Host, UsageError } from './host.ts'
import { counting, telling } from './progress.ts'

const format = {
  type: 'string',
  valueHint: 'form',
  description: 'json: an object after the other; csv (default: by the name of the file)',
} as const
const words = {
  collection: { type: 'positional', required: false, description: 'The collection' },
  file: { type: 'positional', required: false, description: 'The file, in UTF-8' },
} as const

/** `nearcloud import`: documents of a file, as the original's console and MongoDB export them. */
export function importCommand(host: Host, exit: (code: number) => void) {
  const args = {
    ...words,
    format,
    mode: {
      type: 'string',
      valueHint: 'mode',
      description: 'What is there already stays (insert, the default) or is replaced (upsert)',
    },
    'file-ids': {
      type: 'string',
      valueHint: 'prefix',
      description: 'What begins with it, as cloud://prod-1.7072-prod-1/, becomes a file id of this server',
    },
    dates: {
      type: 'string',
      valueHint: 'list',
      description: 'Of CSV: columns whose texts are dates, as in due,meta.at',
    },
    ...place,
  } as const
  return defineCommand({
    meta: {
      name: 'import',
      description: 'Puts the documents of a JSON or CSV file into a collection; again, if need be',
    },
    args,
    async run({ args: { _, ...given } }) {
      checkNames('import', given, args)
      const { collection, file, form } = whatAndWhere('import', host, given, _.length)
      const { mode = 'insert' } = given
      if (mode !== 'insert' && mode !== 'upsert')
        throw new UsageError(`--mode is insert or upsert, not "${mode}".`)
      const oldIds = given['file-ids']
      if (oldIds !== undefined && !/^cloud:\/\/[^/]+\/$/.test(oldIds))
        throw new UsageError(
          `--file-ids is what all file ids began with, to the first slash behind the name, as cloud://prod-1.7072-prod-1/, not "${oldIds}".`,
        )
      if (given.dates !== undefined && form !== 'csv') throw new UsageError('--dates are of CSV.')
      if (!existsSync(file)) throw new UsageError(`there is no file ${file}.`)
      const dates = given.dates?.split(',') ?? []
      const { dataFolder, env } = placeOf(host, given)
      // all of it is read once before anything is written
      let total = 0
      for await (const _ of documentsIn(file, form, telling(host, 'read'), dates)) total++
      const ownIds = `cloud://${env ?? 'default'}.nearcloud/`
      const counts = { inserted: 0, replaced: 0, kept: 0, same: 0, refused: 0 }
      const told = telling(host, 'written')
      await withDocuments({ dataFolder, env }, async documents => {
        for await (const batch of inBatches(documentsIn(file, form, () => undefined, dates))) {
          const trees = batch.map(({ tree }) =>
            oldIds === undefined ? tree : movedIds(tree, oldIds, ownIds),
          )
          for (const [n, written] of (
            await documents.write(collection, trees, mode as ImportMode)
          ).entries()) {
            counts[written.as]++
            if (written.as === 'refused' && counts.refused <= mostTold)
              host.err(refusalOf(batch[n]!.line, written))
          }
          told(
            Object.values(counts).reduce((sum, count) => sum + count),
            total,
          )
        }
      })
      const { inserted, replaced, kept, same, refused } = counts
      const parts = [
        `${inserted} new`,
        ...(replaced ? [`${replaced} replaced`] : []),
        ...(kept ? [`${kept} left as they were ("--mode upsert" replaces them)`] : []),
        ...(same ? [`${same} there already`] : []),
        ...(refused ? [`${refused} refused`] : []),
      ]
      host.out(`Imported into ${collection}: ${parts.join(', ')}.`)
      exit(refused > 0 ? 1 : 0)
    },
  })
}

/** `nearcloud export`: a collection as a file that `import` takes. */
export function exportCommand(host: Host) {
  const args = {
    ...words,
    format,
    fields: {
      type: 'string',
      valueHint: 'list',
      description: 'Of CSV: these fields, as in _id,name,address.city (default: all)',
    },
    overwrite: { type: 'boolean', description: 'Replaces the file if it is there (default: refuse)' },
    ...place,
  } as const
  return defineCommand({
    meta: { name: 'export', description: 'Writes a collection to a JSON or CSV file' },
    args,
    async run({ args: { _, ...given } }) {
      checkNames('export', given, args)
      const { collection, file, form } = whatAndWhere('export', host, given, _.length)
      if (given.fields !== undefined && form !== 'csv') throw new UsageError('--fields are of CSV.')
      if (existsSync(file) && !given.overwrite)
        throw new UsageError(`${file} is there already; "--overwrite" replaces it.`)
      const { dataFolder, env } = placeOf(host, given)
      const drafts = [`${file}.part`, `${file}.part.json`]
      const [draft, lines] = drafts as [string, string]
      try {
        const names = new Set<string>()
        const target = form === 'json' ? draft : lines
        const count = await withDocuments({ dataFolder, env }, documents =>
          writeLines(target, async function* () {
            for await (const tree of all(documents, collection, host)) {
              if (form === 'csv') for (const name of flatten(tree).keys()) names.add(name)
              yield JSON.stringify(form === 'json' ? toExport(tree) : tree)
            }
          }),
        )
        if (form === 'csv') await writeCsv(draft, lines, given.fields?.split(',') ?? [...names])
        renameSync(draft, file)
        host.out(`Exported ${count} documents of ${collection} to ${file}.`)
      } finally {
        for (const each of drafts) rmSync(each, { force: true })
      }
    },
  })
}

async function withDocuments<T>(
  { dataFolder, env }: { readonly dataFolder: string; readonly env: string | undefined },
  work: (documents: OperatorDocuments) => Promise<T>,
): Promise<T> {
  try {
    return await documentsAsOperator({ dataFolder, ...(env !== undefined && { env }) }, work)
  } catch (thrown) {
    const { code, message } = thrown as { code?: unknown; message: string }
    throw code === 'INVALID_PARAM' ? new UsageError(`${message}.`) : thrown
  }
}

async function* all(documents: OperatorDocuments, collection: string, host: Host): AsyncIterable<Json> {
  const told = counting(host, 'documents', tellEvery)
  let after: DocId | undefined
  for (let count = 0; ; ) {
    const page = await documents.read(collection, after)
    if (page.length === 0) return
    yield* page
    after = (page.at(-1) as { _id: DocId })._id
    count += page.length
    told(count)
  }
}

async function writeCsv(draft: string, lines: string, names: readonly string[]): Promise<void> {
  await writeLines(draft, async function* () {
    yield csvHeader(names)
    for await (const { tree } of readJson(textOf(lines, () => undefined))) {
      const fields = flatten(tree)
      yield csvLine(names.map(name => fields.get(name)))
    }
  })
}

/** Resolves with how many there were. */
async function writeLines(file: string, linesOf: () => AsyncIterable<string>): Promise<number> {
  const out = createWriteStream(file, { mode: 0o600 })
  let count = 0
  try {
    await once(out, 'open')
    for await (const line of linesOf()) {
      count++
      if (!out.write(`${line}\n`)) await once(out, 'drain')
    }
    await new Promise<void>((resolve, reject) => {
      out.once('error', reject)
      out.end(resolve)
    })
    return count
  } catch (thrown) {
    out.destroy()
    const { code, message } = thrown as NodeJS.ErrnoException
    if (code?.startsWith('E')) throw new UsageError(`${file} cannot be written: ${message}.`)
    throw thrown
  }
}

function whatAndWhere(
  command: string,
  host: Host,
  given: {
    readonly collection?: string | undefined
    readonly file?: string | undefined
    readonly format?: string | undefined
  },
  count: number,
) {
  const { collection, file } = given
  if (!collection || !file || count !== 2)
    throw new UsageError(
      `it is "nearcloud ${command} COLLECTION FILE"; "nearcloud ${command} --help" says more.`,
    )
  const form = given.format ?? (/\.csv$/i.test(file) ? 'csv' : 'json')
  if (form !== 'json' && form !== 'csv') throw new UsageError(`--format is json or csv, not "${form}".`)
  return { collection, file: resolve(host.cwd, file), form } as const
}

/** Texts that are file ids of another cloud, as those of this one. */
function movedIds(tree: Json, from: string, to: string): Json {
  if (typeof tree === 'string') return tree.startsWith(from) ? to + tree.slice(from.length) : tree
  if (Array.isArray(tree)) return tree.map(each => movedIds(each as Json, from, to))
  if (typeof tree !== 'object' || tree === null) return tree
  return Object.fromEntries(
    Object.entries(tree).map(([key, each]) => [key, movedIds(each as Json, from, to)]),
  )
}

async function* inBatches(documents: AsyncIterable<Read>): AsyncIterable<readonly Read[]> {
  let batch: Read[] = []
  let characters = 0
  for await (const each of documents) {
    batch.push(each)
    characters += JSON.stringify(each.tree).length
    if (batch.length < batchDocuments && characters < batchCharacters) continue
    yield batch
    batch = []
    characters = 0
  }
  if (batch.length > 0) yield batch
}

function refusalOf(line: number, written: Extract<Written, { as: 'refused' }>): string {
  return `line ${line}: ${written.code}: ${written.errMsg}`
}

const mostTold = 10
const tellEvery = 10_000
const batchDocuments = 500
const batchCharacters = 1_000_000
