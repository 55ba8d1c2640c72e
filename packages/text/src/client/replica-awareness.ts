import { createEncoder, toUint8Array, writeVarString, writeVarUint } from 'lib0/encoding'
import { Awareness, applyAwarenessUpdate } from 'y-protocols/awareness'
import type { Doc } from 'yjs'

/** Somebody else, as it was told to editors last. */
interface Other {
  readonly peer: string
  clock: number
  json: string
}

/** Cursors and names of those who have one text open, as editors know them, over any way to tell them. */
export class ReplicaAwareness {
  readonly object: Awareness
  readonly #doc: Doc
  /** By client id. Each belongs to the peer that used it first. */
  readonly #others = new Map<number, Other>()
  #known: readonly Told[] = []
  readonly #listeners = new Set<(state: unknown) => void>()

  constructor(doc: Doc) {
    this.#doc = doc
    this.object = new Awareness(doc)
    this.object.setLocalState(null)
    this.object.on('update', (_: unknown, origin: unknown) => {
      if (origin !== 'local') return
      for (const listener of this.#listeners) listener(this.#said)
      // every quarter of a minute it says itself again: others would be taken for gone after half of one
      this.#tell(this.#known, { isRenewal: true })
    })
  }

  /** What this side says of itself, now and whenever it changes. Returns the way to stop. */
  onState(listener: (state: unknown) => void): () => void {
    this.#listeners.add(listener)
    listener(this.#said)
    return () => this.#listeners.delete(listener)
  }

  /** What the others say of themselves: all of them, by names that last. */
  setOthers(others: readonly { readonly peer: string; readonly state: unknown }[]): void {
    this.#known = others.flatMap(({ peer, state }) => {
      const { client, state: told } = (state ?? {}) as { client?: unknown; state?: unknown }
      return typeof client === 'number' && isPlain(told) ? [{ peer, client, json: JSON.stringify(told) }] : []
    })
    this.#tell(this.#known, { isRenewal: false })
  }

  close(): void {
    this.#listeners.clear()
    this.object.destroy()
  }

  get #said(): unknown {
    const state = this.object.getLocalState()
    return state === null ? null : { client: this.#doc.clientID, state }
  }

  #tell(known: readonly Told[], { isRenewal }: { readonly isRenewal: boolean }): void {
    const entries: (readonly [client: number, clock: number, json: string])[] = []
    const add = (client: number, other: Other, json: string) => {
      other.clock++
      other.json = json
      entries.push([client, other.clock, json])
    }
    const here = new Set<number>()
    for (const { peer, client, json } of known) {
      if (client === this.#doc.clientID || !isClientId(client)) continue
      const other = this.#others.get(client) ?? { peer, clock: 0, json: 'null' }
      if (other.peer !== peer && other.json !== 'null') continue
      here.add(client)
      const owned = other.peer === peer ? other : { peer, clock: other.clock, json: 'null' }
      this.#others.set(client, owned)
      if (isRenewal || owned.json !== json) add(client, owned, json)
    }
    for (const [client, other] of this.#others)
      if (!here.has(client) && other.json !== 'null') add(client, other, 'null')
    if (entries.length === 0) return
    const encoder = createEncoder()
    writeVarUint(encoder, entries.length)
    for (const [client, clock, json] of entries) {
      writeVarUint(encoder, client)
      writeVarUint(encoder, clock)
      writeVarString(encoder, json)
    }
    applyAwarenessUpdate(this.object, toUint8Array(encoder), 'elsewhere')
  }
}

interface Told {
  readonly peer: string
  readonly client: number
  readonly json: string
}

function isPlain(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isClientId(id: number): boolean {
  return Number.isInteger(id) && id >= 0 && id <= 0xffff_ffff
}
