import type { DatabaseSyncInstance, StatementSyncInstance } from '@photostructure/sqlite'

export type Statements = ReturnType<typeof prepareStatements>

/** Every statement of the engine, prepared once. */
export function prepareStatements(db: DatabaseSyncInstance) {
  const prepare = (sql: string) => db.prepare(sql)
  const prepared = new Map<string, StatementSyncInstance>()
  const once = (sql: string) => {
    let statement = prepared.get(sql)
    if (!statement) {
      statement = db.prepare(sql)
      prepared.set(sql, statement)
    }
    return statement
  }
  return {
    environment: prepare(
      `SELECT head, horizon, document_bytes AS documents, history_bytes AS history
       FROM environments WHERE env = ?`,
    ),
    makeEnvironment: prepare('INSERT OR IGNORE INTO environments (env, head, horizon) VALUES (?, 0, 0)'),
    raiseHead: prepare(
      `UPDATE environments
       SET head = ?, document_bytes = document_bytes + ?, history_bytes = history_bytes + ? WHERE env = ?`,
    ),
    raiseHorizon: prepare(
      'UPDATE environments SET horizon = ?, history_bytes = history_bytes - ? WHERE env = ?',
    ),
    openings: prepare('SELECT epoch, start FROM openings WHERE env = ? ORDER BY start, rowid'),
    makeOpening: prepare(
      `INSERT INTO openings (env, epoch, start)
       SELECT env, ?2, head FROM environments WHERE env = ?1`,
    ),

    document: prepare(
      `SELECT id, version, doc AS text, stamps FROM documents WHERE env = ? AND collection = ? AND id = ?`,
    ),
    putDocument: prepare(
      `INSERT INTO documents (env, collection, id, version, doc, stamps) VALUES (?, ?, ?, ?, ?, ?)
       ON CONFLICT (env, collection, id)
       DO UPDATE SET version = excluded.version, doc = excluded.doc, stamps = excluded.stamps`,
    ),
    deleteDocument: prepare('DELETE FROM documents WHERE env = ? AND collection = ? AND id = ?'),
    collections: prepare('SELECT DISTINCT collection FROM documents WHERE env = ? ORDER BY collection'),
    size: prepare('SELECT count(*) AS size FROM documents WHERE env = ? AND collection = ?'),

    /** The id `offset` rows further on. */
    boundary: (hasAfter: boolean) =>
      once(
        `SELECT id FROM documents WHERE env = ? AND collection = ?${hasAfter ? ' AND id > ?' : ''}
         ORDER BY id LIMIT 1 OFFSET ?`,
      ),
    /** Rows up to a boundary that hold one text of each list (JSON arrays). */
    page: (hasAfter: boolean, hasEnd: boolean, lists: number) =>
      once(
        `SELECT id, version, doc AS text, stamps FROM documents
         WHERE env = ? AND collection = ?${hasAfter ? ' AND id > ?' : ''}${hasEnd ? ' AND id <= ?' : ''}
         ${' AND EXISTS (SELECT 1 FROM json_each(?) AS t WHERE instr(doc, t.value) > 0)'.repeat(lists)}
         ORDER BY id`,
      ),

    versions: (hasAfter: boolean) =>
      once(
        `SELECT id, version FROM documents
         WHERE env = ? AND collection = ?${hasAfter ? ' AND id > ?' : ''} ORDER BY id LIMIT ?`,
      ),

    /** Rows of an index from a key on or behind a row, and before a key; backwards before a key or a row. */
    walk: ({ hasEnd, isBehind, isBackwards }: { hasEnd: boolean; isBehind: boolean; isBackwards: boolean }) =>
      once(
        `SELECT r.key, d.id, d.version, d.doc AS text, d.stamps
         FROM index_rows AS r CROSS JOIN documents AS d ON d.env = r.env AND d.collection = ? AND d.id = r.id
         WHERE r.env = ? AND r.number = ?
         ${isBehind && !isBackwards ? 'AND (r.key, r.id) > (?, ?)' : 'AND r.key >= ?'}
         ${isBehind && isBackwards ? 'AND (r.key, r.id) < (?, ?)' : hasEnd ? 'AND r.key < ?' : ''}
         ORDER BY ${isBackwards ? 'r.key DESC, r.id DESC' : 'r.key, r.id'}`,
      ),
    addRow: prepare('INSERT OR IGNORE INTO index_rows (env, number, key, id) VALUES (?, ?, ?, ?)'),
    removeRow: prepare('DELETE FROM index_rows WHERE env = ? AND number = ? AND key = ? AND id = ?'),
    nthRow: prepare(
      'SELECT key, id FROM index_rows WHERE env = ? AND number = ? ORDER BY key, id LIMIT 1 OFFSET ?',
    ),
    dropRows: prepare('DELETE FROM index_rows WHERE env = ? AND number = ?'),
    dropRowsBefore: prepare('DELETE FROM index_rows WHERE env = ? AND number = ? AND (key, id) < (?, ?)'),

    insertChange: prepare(
      `INSERT INTO history (env, version, ordinal, collection, id, before, data_type, actor, client, time)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    versionOfNth: prepare(
      `SELECT version FROM history WHERE env = ? AND version > ? ORDER BY version, ordinal LIMIT 1 OFFSET ?`,
    ),
    /** The state after a change is the one before the next change of the document, or the document's own. */
    log: prepare(
      `SELECT h.version, h.ordinal, h.collection, h.id, h.before, h.data_type, h.actor, h.client, h.time,
         CASE WHEN n.version IS NULL THEN d.doc ELSE n.before END AS after
       FROM history AS h
       LEFT JOIN history AS n ON n.env = h.env AND n.collection = h.collection AND n.id = h.id AND n.version = (
         SELECT min(x.version) FROM history AS x
         WHERE x.env = h.env AND x.collection = h.collection AND x.id = h.id AND x.version > h.version)
       LEFT JOIN documents AS d ON d.env = h.env AND d.collection = h.collection AND d.id = h.id
       WHERE h.env = ? AND h.version > ? AND h.version <= ?
       ORDER BY h.version, h.ordinal`,
    ),
    /** The oldest versions, up to the one of the change that comes after so many others. */
    oldest: prepare(
      `SELECT version, min(time) AS time, count(*) AS changes, sum(coalesce(octet_length(before), 0)) AS bytes
       FROM history WHERE env = ?1 AND version <= coalesce(
         (SELECT version FROM history WHERE env = ?1 ORDER BY version, ordinal LIMIT 1 OFFSET ?2),
         (SELECT max(version) FROM history WHERE env = ?1))
       GROUP BY version ORDER BY version`,
    ),
    prune: prepare('DELETE FROM history WHERE env = ? AND version <= ?'),

    client: prepare(
      `SELECT client, openid, last_mutation AS lastMutation, last_time AS lastTime, last_seen AS lastSeen, forgotten
       FROM clients WHERE env = ? AND client = ?`,
    ),
    putClient: prepare(
      `INSERT INTO clients (env, client, openid, last_mutation, last_time, last_seen, forgotten)
       VALUES (?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT (env, client)
       DO UPDATE SET last_mutation = excluded.last_mutation, last_time = excluded.last_time,
         last_seen = excluded.last_seen, forgotten = max(forgotten, excluded.forgotten)`,
    ),
    clientsBehind: prepare(
      `SELECT client, last_mutation AS lastMutation, last_seen AS lastSeen, forgotten
       FROM clients WHERE env = ? AND client > ? ORDER BY client LIMIT ?`,
    ),
    forgetClient: prepare('UPDATE clients SET forgotten = last_mutation WHERE env = ? AND client = ?'),
    dropClient: prepare('DELETE FROM clients WHERE env = ? AND client = ?'),
    /** The runs from one on. */
    outcomes: prepare('SELECT text FROM outcomes WHERE env = ? AND client = ? AND run >= ? ORDER BY run'),
    /** Appends to a run that ends before `first`. */
    putOutcomes: prepare(
      `INSERT INTO outcomes (env, client, run, last, text) VALUES (?, ?, ?, ?, ?)
       ON CONFLICT (env, client, run)
       DO UPDATE SET last = excluded.last, text = text || char(10) || excluded.text WHERE last < ?`,
    ),
    forgetRuns: prepare('DELETE FROM outcomes WHERE env = ? AND client = ? AND last <= ?'),
    run: prepare('SELECT text FROM outcomes WHERE env = ? AND client = ? AND run = ?'),
    replaceRun: prepare('UPDATE outcomes SET text = ? WHERE env = ? AND client = ? AND run = ?'),

    readState: prepare('SELECT value FROM state WHERE env = ? AND key = ?'),
    putState: prepare(
      `INSERT INTO state (env, key, value) VALUES (?, ?, ?)
       ON CONFLICT (env, key) DO UPDATE SET value = excluded.value`,
    ),
    deleteState: prepare('DELETE FROM state WHERE env = ? AND key = ?'),
    listState: prepare(
      `SELECT key, value FROM state
         WHERE env = ?1 AND key >= ?2 AND key < ?3 AND substr(key, 1, length(?2)) = ?2 ORDER BY key`,
    ),
  }
}
