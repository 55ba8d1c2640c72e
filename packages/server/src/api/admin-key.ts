import { Buffer } from 'node:buffer'
import { createHash, timingSafeEqual } from 'node:crypto'
import { readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { CloudError, type RandomBytes } from '@nearcloud/protocol'
import { whyNoSecret, writeSecret } from '../auth/secret-file.ts'

/** Where the admin key of a data folder is. */
export function adminKeyFile(dataFolder: string): string {
  return join(dataFolder, 'admin-key')
}

/**
 * Answers whether a text is the admin key of a data folder: the one line of its file `admin-key`, made at the first start for its owner
 * alone to read. Who removes the file has another key with the next start.
 *
 * Throws SERVER_CONFIGURATION when others can read it, or there is something else in it.
 */
export async function openAdminKey(
  dataFolder: string,
  random: RandomBytes,
): Promise<(text: string) => boolean> {
  const path = adminKeyFile(dataFolder)
  const key = (await readKey(path)) ?? (await makeKey(path, random))
  const right = digestOf(key)
  return text => timingSafeEqual(digestOf(text), right)
}

async function readKey(path: string): Promise<string | undefined> {
  try {
    const { mode } = await stat(path)
    const reason = whyNoSecret(path, mode)
    if (reason !== undefined) throw refused(path, reason)
    const key = (await readFile(path, 'utf8')).trim()
    if (!keyForm.test(key)) throw refused(path, 'it holds no admin key: remove it for a new one')
    return key
  } catch (cause) {
    if (cause instanceof CloudError) throw cause
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw refused(path, 'it cannot be read', cause)
  }
}

async function makeKey(path: string, random: RandomBytes): Promise<string> {
  const key = `nca_${Buffer.from(random(32)).toString('base64url')}`
  try {
    await writeSecret(path, `${key}\n`)
  } catch (cause) {
    throw refused(path, 'it cannot be written', cause)
  }
  return key
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest()
}

function refused(path: string, reason: string, cause?: unknown): CloudError {
  return new CloudError('SERVER_CONFIGURATION', {
    errMsg: `the admin key ${path} cannot be used: ${reason}`,
    details: { path },
    cause,
  })
}

const keyForm = /^nca_[A-Za-z0-9_-]{43}$/
