import type { DownOf, MutationId } from '@nearcloud/protocol'

type Changes = DownOf<'changes'>

/**
 * Change messages that were too large for a frame, put together again: a commit is seen whole, however large. The parts
 * before the last do not get anywhere (`to` is `from`), and follow each other without anything in between.
 */
export class ChangeParts {
  #first: Changes | undefined
  #items: Changes['items'] = []

  /** The whole message when this is all of it, or its last part. `seen`: this client's mutations that were told before. */
  add(message: Changes, seen: MutationId): Changes | undefined {
    const isPart =
      message.to === message.from &&
      message.items.length > 0 &&
      !message.windows &&
      (message.lastMutation ?? seen) <= seen
    const items = this.#first ? [...this.#items, ...message.items] : message.items
    this.#first = isPart ? (this.#first ?? message) : undefined
    this.#items = isPart ? items : []
    return isPart ? undefined : { ...message, items }
  }

  /** What is held though no last part came. */
  take(): Changes | undefined {
    const held = this.#first && { ...this.#first, items: this.#items }
    this.#first = undefined
    this.#items = []
    return held
  }
}
