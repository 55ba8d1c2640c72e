import { encode, type Value, type Version } from '@nearcloud/protocol'
import { type Found, findFirst } from '../commit/find.ts'
import type { Find } from '../commit/live-result.ts'

/**
 * What many ask at one version is looked up once, for those who see the same: the windows of a thousand clients that
 * lose one document, or come back after a restart.
 */
export class SharedLookups {
  readonly #head: () => Version
  readonly #underWay = new Map<string, Promise<readonly Found[]>>()
  #version: Version = 0

  /** `head`: the last version that was published. */
  constructor(head: () => Version) {
    this.#head = head
  }

  /** As `findFirst`; what it finds is as new as the last version published when it was asked, or newer. */
  readonly find: Find = (reading, actor, query) => {
    const readers = reading.judge.readersOf(actor, query.collection)
    if (readers === undefined) return findFirst(reading, actor, query)
    if (this.#version !== this.#head()) this.#underWay.clear()
    this.#version = this.#head()
    const key = encode([reading.judge.version, readers, query as unknown as Value])
    const known = this.#underWay.get(key)
    if (known) return known
    const found = findFirst(reading, actor, query)
    this.#underWay.set(key, found)
    const ended = () => {
      if (this.#underWay.get(key) === found) this.#underWay.delete(key)
    }
    found.then(ended, ended)
    return found
  }
}
