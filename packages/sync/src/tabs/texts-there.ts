import type { Mutation, Write } from '@nearcloud/protocol'
import type { TextHandle } from '@nearcloud/query'
import type { Entry, TextPlace } from '@nearcloud/store'
import type { Rejection } from '../greeting.ts'
import { LiveLoader } from '../texts/live-loader.ts'
import type { TextsOptions } from '../texts/texts-options.ts'
import type { LiveTextsThere } from './live-texts-there.ts'
import type { Up } from './messages.ts'

export interface TextsThereParts extends Omit<TextsOptions, 'push' | 'diverged' | 'changed'> {
  send(message: Up): void
  ask(message: (id: number) => Up): Promise<unknown>
}

/** The texts of this tab: `LiveTextsThere`, fetched with the first one. */
export class TextsThere {
  readonly #live: LiveLoader<LiveTextsThere>
  #isStopped = false

  constructor(parts: TextsThereParts) {
    this.#live = new LiveLoader(parts.runtime, async () => {
      const { LiveTextsThere } = await import('./live-texts-there.ts')
      return runtime => {
        const live = new LiveTextsThere(parts, runtime)
        if (this.#isStopped) live.stop()
        return live
      }
    })
  }

  async open(place: TextPlace): Promise<TextHandle> {
    return (await this.#live.load()).open(place)
  }

  rewritten(writes: readonly Write[]): { readonly writes: readonly Write[]; takeBack(): void } {
    return this.#live.loaded?.rewritten(writes) ?? { writes, takeBack: () => undefined }
  }

  /** Before they take effect in the store: what it shows of a text is what is open here. */
  hears(entries: readonly Entry[]): void {
    this.#live.loaded?.hears(entries)
  }

  /** They have taken effect. */
  heard(): void {
    this.#live.loaded?.heard()
  }

  rejected(mutation: Mutation, rejection: Rejection): void {
    this.#live.loaded?.rejected(mutation, rejection)
  }

  stop(): void {
    this.#isStopped = true
    this.#live.loaded?.stop()
  }
}
