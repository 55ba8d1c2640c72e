import { type DocId, type Document, decodeTrusted, type Outcome, type Version } from '@nearcloud/protocol'
import { type Batch, MemoryEngine } from '@nearcloud/server/testing'
import type { Fault } from './faults.ts'
import { SimFolder } from './sim-folder.ts'

/** Collections that rules read; users have nothing of them. */
export const readByRules: readonly string[] = ['rooms', 'roles']

/** A mutation as the engine was told it was decided. */
export interface Decided {
  readonly client: string
  readonly nonce: string
  readonly outcome: Outcome
}

/** A document from one version on. */
export interface Edition {
  readonly version: Version
  /** Canonical text; null: removed. */
  readonly text: string | null
  /** Who changed it; null: no client. */
  readonly client: string | null
  readonly document: Document | null
  /** The mutation that did it, if a client's did; one that did nothing may have been decided as of the same version. */
  readonly nonces: readonly string[]
}

/** The server's disk: outlives its processes, and remembers everything that was ever committed. */
export class SimDisk {
  readonly count: (fault: Fault) => void
  memory = new MemoryEngine()
  /** Of files. */
  readonly folder = new SimFolder()
  decided: Decided[] = []
  byNonce = new Map<string, Decided[]>()
  /** By `collection/id`, oldest first. */
  editions = new Map<string, Edition[]>()
  changes: Batch['changes'][number]['record'][] = []
  /** When what rules read was changed. */
  turnedAt: Version[] = []
  /** Decided in a day that was taken back. */
  readonly lost = new Set<string>()
  /** How often it was set back. */
  setBacks = 0
  readonly #batches: Batch[] = []
  /** What was stored beside them, and how many of them there were by then. */
  #states: { readonly after: number; readonly key: string; readonly value: string | null }[] = []
  /** Everything a document ever was, in whatever history: `collection/id@version text`. */
  readonly #ever = new Set<string>()
  /** Called when a batch was decided, before it is on its way. */
  onDecided: () => void = () => undefined
  /** Called with every batch when it is stored, before it is remembered. */
  onCommit: (batch: Batch) => void = () => undefined

  constructor(count: (fault: Fault) => void) {
    this.count = count
  }

  note(batch: Batch): void {
    this.onCommit(batch)
    this.#batches.push(batch)
    this.#remember(batch)
  }

  async writeState(env: string, key: string, value: string | null): Promise<void> {
    await this.memory.writeState(env, key, value)
    this.#states.push({ after: this.#batches.length, key, value })
  }

  /** Calls that began, as the server knows it. */
  async callsBegun(): Promise<readonly string[]> {
    const prefix = 'call-began/'
    return (await this.memory.listState('sim', prefix)).map(([key]) => key.slice(prefix.length))
  }

  get batches(): number {
    return this.#batches.length
  }

  /** Only the first so many batches ever happened: it is another history from here on. */
  async setBack(batches: number): Promise<void> {
    for (const { outcomes } of this.#batches.splice(batches))
      for (const { nonce } of outcomes) this.lost.add(nonce)
    this.decided = []
    this.byNonce = new Map()
    this.editions = new Map()
    this.changes = []
    this.turnedAt = []
    const start = this.#batches.at(-1)?.to ?? 0
    // as a data folder that was put back: it knows the openings it had by then
    const earlier = (await this.memory.lineage('sim')).filter(opening => opening.start <= start)
    this.memory = new MemoryEngine(`memory ${++this.setBacks}`, { earlier, start })
    this.#states = this.#states.filter(({ after }) => after < batches)
    for (const [at, batch] of this.#batches.entries()) {
      await this.#putBackStates(at)
      await this.memory.commit('sim', batch)
      this.#remember(batch)
    }
  }

  async #putBackStates(at: number): Promise<void> {
    for (const { after, key, value } of this.#states)
      if (after === at) await this.memory.writeState('sim', key, value)
  }

  /** The document as it was at a version: undefined before it first existed. */
  at(key: string, version: Version): Edition | undefined {
    const editions = this.editions.get(key) ?? []
    for (let n = editions.length - 1; n >= 0; n--) if (editions[n]!.version <= version) return editions[n]
    return undefined
  }

  /** What a commit made of a document. */
  edition(key: string, version: Version): Edition | undefined {
    const found = this.at(key, version)
    return found?.version === version ? found : undefined
  }

  /** Was it ever so, under this version or, for version 0, any? */
  wasEver(key: string, version: Version, text: string): boolean {
    if (this.edition(key, version)?.text === text) return true
    return this.#ever.has(version === 0 ? `${key} ${text}` : `${key}@${version} ${text}`)
  }

  #remember({ changes, outcomes }: Batch): void {
    for (const { client, nonce, outcome } of outcomes) {
      const decided = { client, nonce, outcome }
      this.decided.push(decided)
      const known = this.byNonce.get(nonce)
      if (known) known.push(decided)
      else this.byNonce.set(nonce, [decided])
    }
    for (const { record } of changes) {
      if (readByRules.includes(record.collection)) this.turnedAt.push(record.version)
      const { version, afterText: text, client } = record
      const key = documentKey(record.collection, record.id)
      const document = text === null ? null : (decodeTrusted(text) as Document)
      const nonces = outcomes.flatMap(each => {
        const isIts = each.client === client && each.outcome.status === 'accepted'
        return isIts && each.outcome.version === version ? [each.nonce] : []
      })
      const edition = { version, text, client, document, nonces }
      const known = this.editions.get(key)
      if (known) known.push(edition)
      else this.editions.set(key, [edition])
      this.changes.push(record)
      this.#ever.add(`${key}@${version} ${text}`)
      this.#ever.add(`${key} ${text}`)
    }
  }
}

export function documentKey(collection: string, id: DocId): string {
  return `${collection}/${typeof id === 'number' ? '#' : '$'}${id}`
}
