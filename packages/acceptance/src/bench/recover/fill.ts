import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { encode, normalise } from '@nearcloud/protocol'
import { type Actor, LiveEnvironment, ManualClock, OpenJudge, SqliteEngine } from '@nearcloud/server/testing'
import { benchDocument } from '../documents.ts'

/**
 * Makes the data folder of a server with so many bytes of documents in the collection `tasks`, about a kilobyte each, with an index
 * and their history. Tells how many documents.
 */
export async function fillDataFolder(folder: string, bytes: number): Promise<number> {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const random = (size: number) => crypto.getRandomValues(new Uint8Array(size))
  const engine = new SqliteEngine({ file: join(folder, 'nearcloud.db'), random })
  const clock = new ManualClock(Date.now())
  const environment = new LiveEnvironment({ env: 'default', engine, clock, judge: new OpenJudge() })
  await environment.createIndex('tasks', { name: 'owners', keys: [['owner', 1]], unique: false })
  let count = 0
  for (let written = 0; written < bytes; ) {
    const group: Promise<unknown>[] = []
    for (let n = 0; n < atOnce; n++) {
      const { _id: id, ...fields } = benchDocument(count++)
      const data = normalise({ ...fields, text: 'x'.repeat(padding) }) as never
      written += encode(data).length
      group.push(environment.commit({ actor: admin, writes: [{ op: 'add', collection: 'tasks', id, data }] }))
    }
    await Promise.all(group)
  }
  await environment.close()
  await engine.close()
  return count
}

const admin: Actor = { kind: 'admin' }
const padding = 700
const atOnce = 1_000
