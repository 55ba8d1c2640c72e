import { CloudError, type DownOf, type Mutation, type Write } from '@nearcloud/protocol'
import type { TextHandle } from '@nearcloud/query'
import type { TextPlace } from '@nearcloud/store'
import type { Rejection } from '../greeting.ts'
import { FollowedTexts } from './followed-texts.ts'
import { OpenTexts } from './open-texts.ts'
import { textHere } from './stored-texts.ts'
import type { TextRuntime } from './text-runtime.ts'
import type { TextsOptions } from './texts-options.ts'

/**
 * The texts of this device: those that are open, and those that were, or began here. The latter are kept in step with the
 * server as long as their documents are here, a hundred at most, so that they open without a network.
 */
export class LiveTexts {
  readonly #options: TextsOptions
  readonly #open: OpenTexts
  readonly #followed: FollowedTexts

  constructor(options: TextsOptions, runtime: TextRuntime) {
    this.#options = options
    this.#open = new OpenTexts(options, runtime)
    this.#followed = new FollowedTexts(options, runtime, this.#open)
  }

  // ---- the app ---------------------------------------------------------------------------------------------------

  async open({ collection, id, path }: TextPlace): Promise<TextHandle> {
    const { store, isReachable } = this.#options
    const place = { collection, id, path }
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

  /** What is pending is laid over what the server said. */
  showPending(): void {
    this.#open.showPending()
  }

  stop(): void {
    this.#followed.end()
    this.#followed.lost()
    this.#open.stop()
  }

  // ---- the conversation --------------------------------------------------------------------------------------------

  /** `reconcile` says what is wanted of it. */
  begin(send: (frame: string) => void): void {
    this.#followed.begin(send)
  }

  reconcile(): void {
    this.#followed.reconcile()
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
}
