import { Buffer } from 'node:buffer'
import { type FileHandle, open } from 'node:fs/promises'
import { join } from 'node:path'
import { CloudError, type RandomBytes } from '@nearcloud/protocol'
import { whyNoSecret, writeSecret } from './secret-file.ts'

/** A secret with a name: the name travels with what was signed, the secret never does. */
export interface Key {
  readonly id: string
  readonly secret: Uint8Array
}

/** The secrets of a data folder. In each list the first signs and all verify. Never empty. */
export interface Keys {
  readonly tokens: readonly Key[]
  readonly urls: readonly Key[]
}

/**
 * The keys in `<dataFolder>/keys.json`; made there, for its owner alone to read, when the file does not exist.
 *
 * Throws SERVER_CONFIGURATION, naming the file and what to do, when others can read it or it is not a key file: new
 * keys would quietly sign everyone out.
 */
export async function openKeys(dataFolder: string, random: RandomBytes): Promise<Keys> {
  const path = join(dataFolder, 'keys.json')
  const file = await openExisting(path)
  if (!file) return createKeys(path, random)
  try {
    const { mode } = await file.stat()
    const reason = whyNoSecret(path, mode)
    if (reason !== undefined) throw refused(path, reason)
    return parseKeys(path, await file.readFile('utf8'))
  } finally {
    await file.close()
  }
}

async function openExisting(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw refused(path, 'it cannot be opened', cause)
  }
}

/** On the disk before anything is signed with it. */
async function createKeys(path: string, random: RandomBytes): Promise<Keys> {
  const keys: Keys = { tokens: [newKey(random)], urls: [newKey(random)] }
  try {
    await writeSecret(path, `${JSON.stringify(toJson(keys), null, 2)}\n`)
  } catch (cause) {
    throw refused(path, 'it cannot be written', cause)
  }
  return keys
}

function newKey(random: RandomBytes): Key {
  return { id: Buffer.from(random(6)).toString('hex'), secret: random(secretBytes) }
}

function toJson(keys: Keys): unknown {
  const list = (of: readonly Key[]) =>
    of.map(key => ({ id: key.id, secret: Buffer.from(key.secret).toString('base64url') }))
  return { version: 1, tokens: list(keys.tokens), urls: list(keys.urls) }
}

function parseKeys(path: string, text: string): Keys {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch {
    json = undefined
  }
  const { version, tokens, urls } = (json ?? {}) as { version?: unknown; tokens?: unknown; urls?: unknown }
  const [tokenKeys, urlKeys] = [parseList(tokens), parseList(urls)]
  if (version !== 1 || !tokenKeys || !urlKeys)
    throw refused(path, 'it is not a key file of this version: bring back the one that was there')
  return { tokens: tokenKeys, urls: urlKeys }
}

function parseList(list: unknown): readonly Key[] | undefined {
  if (!Array.isArray(list) || list.length === 0) return undefined
  const keys: Key[] = []
  for (const item of list as unknown[]) {
    const { id, secret } = (item ?? {}) as { id?: unknown; secret?: unknown }
    if (typeof id !== 'string' || !keyIdForm.test(id) || typeof secret !== 'string') return undefined
    const bytes = Buffer.from(secret, 'base64url')
    if (bytes.length !== secretBytes || bytes.toString('base64url') !== secret) return undefined
    keys.push({ id, secret: bytes })
  }
  return keys
}

function refused(path: string, reason: string, cause?: unknown): CloudError {
  return new CloudError('SERVER_CONFIGURATION', {
    errMsg: `the key file ${path} cannot be used: ${reason}`,
    details: { path },
    cause,
  })
}

const secretBytes = 32
const keyIdForm = /^[0-9a-f]{12}$/
