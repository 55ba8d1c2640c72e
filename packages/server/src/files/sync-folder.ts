import { open } from 'node:fs/promises'

/** Makes the names in a folder durable: what was made, renamed or removed in it. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === 'win32') return // folders cannot be opened there, and renames are written through
  const folder = await open(path, 'r')
  try {
    await folder.sync()
  } finally {
    await folder.close()
  }
}
