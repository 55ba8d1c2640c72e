import { copyFileSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { readRun } from '@nearcloud/server/testing'
import { DatabaseSync } from '@photostructure/sqlite'
import type { CollectionName, Documents } from './deeds.ts'

/** What a server would find at its next start. */
export interface SavedState {
  /** By the numbers SQLite and we count in, what is wrong; empty when nothing is. */
  readonly damage: readonly string[]
  readonly documents: Documents
  /** Documents a trigger made, by the note it made them for. */
  readonly receipts: ReadonlySet<string>
  /** The last decided mutation, by client. */
  readonly lastMutations: ReadonlyMap<string, number>
  /** Who made a document, by `collection/_id`. */
  readonly clientOf: ReadonlyMap<string, string>
  readonly head: number
}

/** Reads a copy of the data folder's database, so that the server's own recovery finds it untouched. */
export function readSavedState(data: string, home: string): SavedState {
  const copy = mkdtempSync(join(home, 'copy-'))
  try {
    if (existsSync(data))
      for (const name of readdirSync(data))
        if (name.startsWith('nearcloud.db') && !name.endsWith('-shm'))
          copyFileSync(join(data, name), join(copy, name))
    return read(join(copy, 'nearcloud.db'))
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}

function read(file: string): SavedState {
  const db = new DatabaseSync(file)
  try {
    const rows = <Row>(sql: string, ...values: string[]) => db.prepare(sql).all(...values) as unknown as Row[]
    const checks = rows<{ integrity_check: string }>('PRAGMA integrity_check')
    const damage = checks.map(row => row.integrity_check).filter(words => words !== 'ok')
    const [documents, receipts] = [noDocuments(), new Set<string>()]
    if (rows(`SELECT name FROM sqlite_master WHERE name = 'documents'`).length === 0)
      return { damage, documents, receipts, lastMutations: new Map(), clientOf: new Map(), head: 0 }

    for (const row of rows<DocumentRow>('SELECT collection, id, doc FROM documents')) {
      if (row.collection === 'receipts') receipts.add(row.id)
      documents[row.collection as CollectionName]?.set(row.id, JSON.parse(row.doc))
    }
    const lastMutations = new Map(
      rows<{ client: string; last: number }>('SELECT client, last_mutation AS last FROM clients').map(
        ({ client, last }) => [client, last],
      ),
    )
    const history = rows<HistoryRow>(
      'SELECT version, collection, id, client, before FROM history ORDER BY version, ordinal',
    )
    const clientOf = new Map<string, string>()
    for (const { before, client, collection, id } of history)
      if (before === null && client !== null) clientOf.set(`${collection}/${id}`, client)
    const head = rows<{ head: number }>('SELECT head FROM environments')[0]?.head ?? 0
    const versions = new Set(history.map(({ version }) => version))
    if (versions.size !== head || (head > 0 && !versions.has(head)))
      damage.push(`the history has ${versions.size} versions, and the head is ${head}`)
    for (const [client, last] of lastMutations) {
      const runs = rows<{ text: string }>('SELECT text FROM outcomes WHERE client = ? ORDER BY run', client)
      const ids = runs.flatMap(({ text }) => readRun(client, text)).map(({ outcome }) => outcome.id)
      if (ids.some((id, n) => id !== last - ids.length + 1 + n))
        damage.push(`client ${client}: its outcomes do not go to ${last} without a gap`)
    }
    return { damage, documents, receipts, lastMutations, clientOf, head }
  } finally {
    db.close()
  }
}

interface DocumentRow {
  readonly collection: string
  readonly id: string
  readonly doc: string
}

interface HistoryRow {
  readonly version: number
  readonly collection: string
  readonly id: string
  readonly client: string | null
  readonly before: string | null
}

function noDocuments(): Record<CollectionName, Map<string, Record<string, unknown>>> {
  return { log: new Map(), notes: new Map(), parts: new Map(), boards: new Map(), closed: new Map() }
}
