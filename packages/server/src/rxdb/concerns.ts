import type { Version } from '@nearcloud/protocol'
import { nextTurn } from '../engine/turn.ts'
import type { View } from './view.ts'

/**
 * When what rules read last came to say something else to one user. What was looked at is kept, since a replica that was long away
 * asks again and again.
 */
export class Concerns {
  readonly #view: View
  #since: Version = 0
  #upTo: Version = 0
  #last: Version = 0

  constructor(view: View) {
    this.#view = view
  }

  /** Was it after `since`, and not after `head`? Undefined when the history does not tell. */
  async hasAny(since: Version, head: Version): Promise<boolean | undefined> {
    const { judge, env, engine } = this.#view.environment
    if (!judge.readsOthers) return false
    if (since < this.#since || since > this.#upTo || this.#upTo === 0) {
      this.#since = this.#upTo = since
      this.#last = 0
    }
    while (this.#upTo < head) {
      const changes = await engine.log(env, this.#upTo, pageChanges)
      if (!changes) return undefined
      for (const change of changes)
        if (judge.concernedBy(change)?.(this.#view.user)) this.#last = change.version
      this.#upTo = changes.at(-1)?.version ?? head
      await nextTurn()
    }
    return this.#last > since
  }
}

const pageChanges = 500
