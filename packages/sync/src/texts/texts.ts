import type { DownOf, Mutation, Write } from '@nearcloud/protocol'
import type { TextHandle } from '@nearcloud/query'
import type { TextPlace } from '@nearcloud/store'
import type { Rejection } from '../greeting.ts'
import { LiveLoader } from './live-loader.ts'
import type { LiveTexts } from './live-texts.ts'
import type { TextsOptions } from './texts-options.ts'

/** The texts of this device, which most apps have none of: `LiveTexts`, fetched with the first one. */
export class Texts {
  readonly #options: TextsOptions
  readonly #live: LiveLoader<LiveTexts>
  #send: ((frame: string) => void) | undefined
  #isStopped = false

  constructor(options: TextsOptions) {
    this.#options = options
    this.#live = new LiveLoader(options.runtime, async () => {
      const { LiveTexts } = await import('./live-texts.ts')
      return runtime => {
        const live = new LiveTexts(options, runtime)
        if (this.#isStopped) live.stop()
        else if (this.#send) {
          live.begin(this.#send)
          live.reconcile()
        }
        return live
      }
    })
    if (this.#hasAny) this.#whenLoaded(live => live.showPending())
  }

  // ---- the app ---------------------------------------------------------------------------------------------------

  async open(place: TextPlace): Promise<TextHandle> {
    return (await this.#live.load()).open(place)
  }

  /** Assignments of texts that are open, as edits of them: so an editor shows them at once, and merges with them. */
  rewritten(writes: readonly Write[]): { readonly writes: readonly Write[]; takeBack(): void } {
    return this.#live.loaded?.rewritten(writes) ?? { writes, takeBack: () => undefined }
  }

  /** Another tab makes these writes: what is open here shows its edits. */
  made(writes: readonly Write[]): void {
    this.#live.loaded?.made(writes)
  }

  stop(): void {
    this.#isStopped = true
    this.#live.loaded?.stop()
  }

  // ---- the conversation --------------------------------------------------------------------------------------------

  begin(send: (frame: string) => void): void {
    this.#send = send
    this.#live.loaded?.begin(send)
    if (this.#hasAny) this.#whenLoaded(live => live.reconcile())
    else this.#live.loaded?.reconcile()
  }

  end(): void {
    this.#send = undefined
    this.#live.loaded?.end()
  }

  /** There is nobody to ask. */
  lost(): void {
    this.#live.loaded?.lost()
  }

  /** A message took effect. */
  advanced(): void {
    this.#live.loaded?.advanced()
  }

  get isSettled(): boolean {
    return this.#live.loaded?.isSettled ?? true
  }

  async heard(message: DownOf<'text'>): Promise<void> {
    await this.#live.loaded?.heard(message)
  }

  async closed(message: DownOf<'textClosed'>): Promise<void> {
    await this.#live.loaded?.closed(message)
  }

  rejected(mutation: Mutation, rejection: Rejection): void {
    this.#live.loaded?.rejected(mutation, rejection)
  }

  /** Compares one text after the other with the server's, from time to time. */
  check(): void {
    this.#live.loaded?.check()
  }

  get #hasAny(): boolean {
    const { store } = this.#options
    if (!this.#live.isThere) return false
    if (store.texts.size > 0) return true
    return store.outbox.mutations.some(({ writes }) => writes.some(({ op }) => op === 'text'))
  }

  /** What was not loaded is not done: it comes with the next conversation. */
  #whenLoaded(task: (live: LiveTexts) => void): void {
    void this.#live
      .load()
      .then(task)
      .catch(() => undefined)
  }
}
