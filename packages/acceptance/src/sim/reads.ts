import type { Document, Version } from '@nearcloud/protocol'
import { compileFilter, type Filter } from '@nearcloud/query'
import type { Judge } from '@nearcloud/server'
import type { LoadingReads } from '@nearcloud/server/testing'
import { documentKey, type SimDisk } from './sim-disk.ts'

/** What rules read as it was at a version; `uncommitted`: what the commit under way changed before. */
export class ReadsAt implements LoadingReads {
  readonly #disk: SimDisk
  readonly #version: Version
  readonly #uncommitted: ReadonlyMap<string, Document | null>

  constructor(
    disk: SimDisk,
    version: Version,
    uncommitted: ReadonlyMap<string, Document | null> = new Map(),
  ) {
    this.#disk = disk
    this.#version = version
    this.#uncommitted = uncommitted
  }

  document(collection: string, id: string): Document | null {
    return this.#at(documentKey(collection, id))
  }

  count(collection: string, where: Filter): number {
    const matches = compileFilter(where)
    const keys = new Set([...this.#disk.editions.keys(), ...this.#uncommitted.keys()])
    let count = 0
    for (const key of keys) {
      const document = key.startsWith(`${collection}/`) ? this.#at(key) : null
      if (document && matches(document)) count++
    }
    return count
  }

  async load(): Promise<void> {}

  #at(key: string): Document | null {
    const changed = this.#uncommitted.get(key)
    return changed !== undefined ? changed : (this.#disk.at(key, this.#version)?.document ?? null)
  }
}

/** Who may read what, under rules that read what changes. */
export class Rights {
  readonly #disk: SimDisk

  constructor(disk: SimDisk) {
    this.#disk = disk
  }

  get now(): ReadsAt {
    return this.at(Number.POSITIVE_INFINITY)
  }

  at(version: Version): ReadsAt {
    return new ReadsAt(this.#disk, version)
  }

  /** What rules read at this version, and everything that was to be read since. */
  since(version: Version): readonly ReadsAt[] {
    return [version, ...this.#disk.turnedAt.filter(turn => turn > version)].map(turn => this.at(turn))
  }

  /** May it be read by what rules read at this version, or at any later one? */
  everSince(version: Version, asked: Asked): boolean {
    return this.#since(version, asked).some(reads => mayRead(asked, reads))
  }

  /** May it be read by what rules read at this version, and at all later ones? */
  alwaysSince(version: Version, asked: Asked): boolean {
    return this.#since(version, asked).every(reads => mayRead(asked, reads))
  }

  #since(version: Version, { judge }: Asked): readonly ReadsAt[] {
    return judge.readsOthers ? this.since(version) : [this.now]
  }
}

export interface Asked {
  readonly judge: Judge
  readonly openid: string
  readonly collection: string
  readonly document: Document
}

export function mayRead({ judge, openid, collection, document }: Asked, reads: ReadsAt): boolean {
  return judge.mayRead({ kind: 'user', openid }, collection, document, reads)
}
