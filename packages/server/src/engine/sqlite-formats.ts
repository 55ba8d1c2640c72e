import type { Outcome } from '@nearcloud/protocol'
import type { DatabaseSyncInstance } from '@photostructure/sqlite'
import { historyBytesOf, type OutcomeRow } from './engine.ts'
import { putOutcomes } from './sqlite-outcomes.ts'
import { prepareStatements } from './sqlite-statements.ts'
import { textOfStored } from './text-key.ts'

/** Makes of a database of an older format one of this, within the caller's transaction. `makeTables` adds those that are not there. */
export function bringUp(db: DatabaseSyncInstance, format: number, makeTables: () => void): void {
  if (format < 3) db.exec(toFormat3)
  if (format < 4) db.exec('ALTER TABLE outcomes RENAME TO outcomes_of_format_3')
  if (format === 3) db.exec('ALTER TABLE openings RENAME TO openings_of_format_3')
  makeTables()
  if (format < 3) db.exec(openingsOfFormat2)
  if (format === 3) db.exec(openingsOfFormat3)
  if (format < 4) layOutcomesTogether(db)
}

const toFormat3 = `
ALTER TABLE environments ADD COLUMN document_bytes INTEGER NOT NULL DEFAULT 0;
ALTER TABLE environments ADD COLUMN history_bytes INTEGER NOT NULL DEFAULT 0;
UPDATE environments SET
  document_bytes = (SELECT coalesce(sum(octet_length(doc)), 0) FROM documents AS d WHERE d.env = environments.env),
  history_bytes = (SELECT coalesce(sum(coalesce(octet_length(before), 0) + ${historyBytesOf(0)}), 0)
    FROM history AS h WHERE h.env = environments.env);
ALTER TABLE clients ADD COLUMN last_seen REAL NOT NULL DEFAULT 0;
ALTER TABLE clients ADD COLUMN forgotten INTEGER NOT NULL DEFAULT 0;
UPDATE clients SET last_seen = last_time;
`
/** Formats before had one epoch for all of them. */
const openingsOfFormat2 =
  'INSERT INTO openings (env, epoch, start) SELECT env, epoch, 0 FROM environments, meta'

/** They had an index, which nobody needs for a thousand rows. */
const openingsOfFormat3 = `
INSERT INTO openings (env, epoch, start) SELECT env, epoch, start FROM openings_of_format_3 ORDER BY rowid;
DROP TABLE openings_of_format_3;
`

/** Stamps that are all named are read, and written the other way with their documents. */
function layOutcomesTogether(db: DatabaseSyncInstance): void {
  const statements = prepareStatements(db)
  const select = db.prepare(
    'SELECT env, client, id, nonce, outcome FROM outcomes_of_format_3 ORDER BY env, client, id',
  )
  let [owner, rows]: [OldOutcome | undefined, OutcomeRow[]] = [undefined, []]
  const put = () => {
    if (owner) putOutcomes(statements, owner.env, rows)
    rows = []
  }
  for (const each of select.iterate()) {
    const row = each as unknown as OldOutcome
    if (row.client !== owner?.client || row.env !== owner.env || rows.length === mostAtOnce) put()
    owner = row
    const { client, id, nonce, outcome } = row
    rows.push({ client, nonce: textOfStored(nonce), outcome: outcomeOfFormat3(id, outcome) })
  }
  put()
  db.exec('DROP TABLE outcomes_of_format_3')
}

/** JSON, or the version of one that was accepted as it was. */
function outcomeOfFormat3(id: number, stored: string): Outcome {
  if (stored.startsWith('{')) return JSON.parse(stored) as Outcome
  return { id, status: 'accepted', version: Number(stored) }
}

const mostAtOnce = 10_000

interface OldOutcome {
  env: string
  client: string
  id: number
  nonce: string
  outcome: string
}
