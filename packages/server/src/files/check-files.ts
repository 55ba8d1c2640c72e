import type { Log } from '../log-line.ts'
import type { Blobs } from './blobs.ts'
import { fileIDOf } from './cloud-path.ts'
import type { FileRecord, FileRecords } from './file-record.ts'

/**
 * Looks whether each record has its blob, of the size that it says, and logs `files.damaged` if not: with how many, and the first
 * ten. Nothing is removed: a backup may have the bytes. Stops when `isStopped` says so.
 */
export async function checkFiles(parts: {
  readonly records: Pick<FileRecords, 'all' | 'byId'>
  readonly blobs: Pick<Blobs, 'sizeOf'>
  readonly env: string
  readonly log: Log
  isStopped(): boolean
}): Promise<void> {
  const { records, blobs, env, log, isStopped } = parts
  const damaged: string[] = []
  const isDamaged = async ({ blob, size }: FileRecord) => (await blobs.sizeOf(blob)) !== size
  for await (const record of records.all()) {
    if (isStopped()) return
    if (!(await isDamaged(record))) continue
    const now = await records.byId(record._id) // it may have been replaced or deleted meanwhile
    if (now && (await isDamaged(now))) damaged.push(fileIDOf(env, now.path))
  }
  if (damaged.length === 0) return
  log({
    level: 'error',
    event: 'files.damaged',
    message: `${damaged.length} files do not have the bytes that were uploaded: ${damaged.slice(0, 10).join(', ')}; restore the folder "files" from a backup, or upload them again`,
    facts: { count: damaged.length },
  })
}
