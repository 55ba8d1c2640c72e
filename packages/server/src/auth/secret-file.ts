import { open, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'
import { syncFolder } from '../files/sync-folder.ts'

/** Writes a file that its owner alone can read: whole or not at all, and on the disk when this resolves. Rejects with the system's error. */
export async function writeSecret(path: string, text: string): Promise<void> {
  const draft = `${path}.new`
  await rm(draft, { force: true })
  const file = await open(draft, 'wx', 0o600)
  try {
    await file.writeFile(text)
    await file.sync()
  } finally {
    await file.close()
  }
  await rename(draft, path)
  await syncFolder(dirname(path))
}

/** Why a file with this mode is no secret, and what to do; undefined when its owner alone can read it. */
export function whyNoSecret(path: string, mode: number): string | undefined {
  if (process.platform === 'win32' || (mode & 0o077) === 0) return undefined
  return `others can read it (mode ${(mode & 0o777).toString(8)}): run chmod 600 ${path}`
}
