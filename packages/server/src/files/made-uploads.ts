import { createHash } from 'node:crypto'
import type { Clock, Millis } from '@nearcloud/protocol'
import type { Engine } from '../engine/engine.ts'

/** Durable strings of the server's own that change together; null removes. */
export type StateChanges = readonly (readonly [key: string, value: string | null])[]

/** What was uploaded where, as a digest, and when it was whole. */
interface Made {
  readonly what: string
  readonly at: Millis
}

/**
 * Which nonces of which users have made their file, so that an upload takes effect once, however often it is sent: the row of a nonce
 * is stored with the record of the file. Of a user the latest `mostOfUser` are kept, each for `keptMs`.
 */
export class MadeUploads {
  readonly #engine: Pick<Engine, 'readState' | 'writeState' | 'listState'>
  readonly #env: string
  readonly #clock: Pick<Clock, 'now'>

  constructor(
    { engine, env }: { engine: Pick<Engine, 'readState' | 'writeState' | 'listState'>; env: string },
    clock: Pick<Clock, 'now'>,
  ) {
    this.#engine = engine
    this.#env = env
    this.#clock = clock
  }

  /** What this user made with the nonce; undefined when nothing was, or it is forgotten. */
  async byNonce(openid: string | null, nonce: string): Promise<string | undefined> {
    const text = await this.#engine.readState(this.#env, prefixOf(openid) + nonce)
    return text === undefined ? undefined : (JSON.parse(text) as Made).what
  }

  /** Did this user make this before, with whatever nonce? */
  async has(openid: string | null, what: string): Promise<boolean> {
    const rows = await this.#engine.listState(this.#env, prefixOf(openid))
    return rows.some(([, text]) => (JSON.parse(text) as Made).what === what)
  }

  /** What is to be stored with the file that this upload makes, and what is forgotten for it. */
  async remembering(openid: string | null, nonce: string, what: string): Promise<StateChanges> {
    const made: Made = { what, at: this.#clock.now() }
    const rows = await this.#engine.listState(this.#env, prefixOf(openid))
    const oldest = rows
      .map(([key, text]) => ({ key, at: (JSON.parse(text) as Made).at }))
      .sort((a, b) => a.at - b.at)
      .slice(0, Math.max(0, rows.length + 1 - mostOfUser))
    return [
      ...oldest.map(({ key }) => [key, null] as const),
      [prefixOf(openid) + nonce, JSON.stringify(made)] as const,
    ]
  }

  /** As `remembering`, by itself: the file is there already. */
  async remember(openid: string | null, nonce: string, what: string): Promise<void> {
    for (const [key, value] of await this.remembering(openid, nonce, what))
      await this.#engine.writeState(this.#env, key, value)
  }

  /** Forgets what is too old, a part of the users after the other. */
  async sweep(): Promise<void> {
    const until = this.#clock.now() - keptMs
    for (let part = 0; part < 256; part++) {
      const prefix = allPrefix + part.toString(16).padStart(2, '0')
      for (const [key, text] of await this.#engine.listState(this.#env, prefix))
        if ((JSON.parse(text) as Made).at < until) await this.#engine.writeState(this.#env, key, null)
    }
  }
}

/** What one user has made belongs to another from now on. */
export async function giveMadeUploads(
  { engine, env }: { engine: Pick<Engine, 'writeState' | 'listState'>; env: string },
  from: string,
  into: string,
): Promise<void> {
  for (const [key, text] of await engine.listState(env, prefixOf(from))) {
    await engine.writeState(env, prefixOf(into) + key.slice(prefixOf(from).length), text)
    await engine.writeState(env, key, null)
  }
}

/** Who says it alone: nobody learns whether a nonce is another user's. */
function prefixOf(openid: string | null): string {
  const who = createHash('sha256').update(JSON.stringify(openid), 'utf8').digest('hex')
  return `${allPrefix}${who}/`
}

const allPrefix = 'uploads-made/'
/** How long a device may be away and still be told that its upload was whole. */
export const keptMs = 30 * 24 * 3_600_000
export const mostOfUser = 256
