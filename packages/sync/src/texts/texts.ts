import { CloudError, type DownOf, type Mutation, type Write } from '@nearcloud/protocol'
import type { TextHandle } from '@nearcloud/query'
import type { TextPlace } from '@nearcloud/store'
import type { Rejection } from '../greeting.ts'
import { FollowedTexts } from './followed-texts.ts'
import { OpenTexts } from './open-texts.ts'
import { RuntimeLoader } from './runtime-loader.ts'
import { textHere } from './stored-texts.ts'
import type { TextsOptions } from './texts-options.ts'

/**
 * The texts of this device: those that are open, and those that were, or began here. The latter are kept in step with the
 * server as long as their documents are here, a hundred at most, so that they open without a network.
 */
export class Texts {
  readonly #options: TextsOptions
  readonly #runtime: RuntimeLoader
  readonly #open: OpenTexts
  readonly #followed: FollowedTexts

  constructor(options: TextsOptions) {
    this.#options = options
    this.#runtime = new RuntimeLoader(options.runtime)
    this.#open = new OpenTexts(options, this.#runtime)
    this.#followed = new FollowedTexts(options, this.#runtime, this.#open)
    if (this.#hasAny) this.#whenLoaded(() => this.#open.showPending())
  }

  // ---- the app ---------------------------------------------------------------------------------------------------

  async open({ collection, id, path }: TextPlace): Promise<TextHandle> {
    const { store, isReachable } = this.#options
    const place = { collection, id, path }
    await this.#runtime.load()
    for (;;) {
      const stored = textHere(store, place)
      const handle = stored && (await this.#open.handle(stored))
      if (handle) return handle
      if (!isReachable())
        throw new CloudError('OFFLINE', {
          errMsg: `document.text:fail ${collection}/${id}/${path} was never opened on this device, and there is no connection to the server`,
        })
      await this.#followed.fetch(place)
    }
  }

  /** Assignments of texts that are open, as edits of them: so an editor shows them at once, and merges with them. */
  rewritten(writes: readonly Write[]): { readonly writes: readonly Write[]; takeBack(): void } {
    return this.#open.rewritten(writes)
  }

  /** Another tab makes these writes: what is open here shows its edits. */
  made(writes: readonly Write[]): void {
    for (const write of writes) if (write.op === 'text') this.#open.heard(write, write.text, [write.update])
  }

  stop(): void {
    this.#followed.end()
    this.#followed.lost()
    this.#open.stop()
  }

  // ---- the conversation --------------------------------------------------------------------------------------------

  begin(send: (frame: string) => void): void {
    this.#followed.begin(send)
    if (this.#hasAny) this.#whenLoaded(() => this.#followed.reconcile())
    else this.#followed.reconcile()
  }

  end(): void {
    this.#followed.end()
  }

  /** There is nobody to ask. */
  lost(): void {
    this.#followed.lost()
  }

  /** A message took effect. */
  advanced(): void {
    this.#open.letGo()
    this.#followed.advanced()
  }

  get isSettled(): boolean {
    return this.#followed.isSettled
  }

  heard(message: DownOf<'text'>): Promise<void> {
    return this.#followed.heard(message)
  }

  closed(message: DownOf<'textClosed'>): Promise<void> {
    return this.#followed.closed(message)
  }

  rejected(mutation: Mutation, rejection: Rejection): void {
    this.#open.rejected(mutation, rejection)
  }

  /** Compares one text after the other with the server's, from time to time. */
  check(): void {
    this.#followed.check()
  }

  get #hasAny(): boolean {
    const { store } = this.#options
    if (!this.#runtime.isThere) return false
    if (store.texts.size > 0) return true
    return store.outbox.mutations.some(({ writes }) => writes.some(({ op }) => op === 'text'))
  }

  /** What was not loaded is not done: it comes with the next conversation. */
  #whenLoaded(task: () => void): void {
    void this.#runtime
      .load()
      .then(task)
      .catch(() => undefined)
  }
}
