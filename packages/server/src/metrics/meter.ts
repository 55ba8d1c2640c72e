import type { Millis } from '@nearcloud/protocol'

/**
 * What the parts of a server tell of their work, as numbers and names from closed lists: nothing that a document, a token or a user
 * says. Called often; implementers owe that it costs next to nothing, and never throws.
 */
export interface Meter {
  /** A moment, to be told apart from an earlier one of this process. */
  moment(): Millis
  /** A group of so many commits was decided and is durable, so long after it was begun. */
  stored(group: { readonly commits: number; readonly changes: number; readonly tookMs: Millis }): void
  /** How a commit was answered: `OK`, or the code of the refusal. */
  decided(code: string): void
  /** A client was told what happened, so long after it was published. */
  told(tookMs: Millis): void
}

/** For servers that nobody measures. */
export const silentMeter: Meter = {
  moment: () => 0,
  stored: () => undefined,
  decided: () => undefined,
  told: () => undefined,
}
