import { CloudError, type Mutation } from '@nearcloud/protocol'
import type { TextHandle } from '@nearcloud/query'
import type { Entry, TextPlace } from '@nearcloud/store'
import type { Rejection } from '../greeting.ts'
import { OpenTexts } from '../texts/open-texts.ts'
import { textHere } from '../texts/stored-texts.ts'
import type { TextRuntime } from '../texts/text-runtime.ts'
import { textOver } from '../texts/text-session.ts'
import type { TextsThereParts } from './texts-there.ts'

/** The texts that are open in this tab: the one that leads keeps them in step, and the log says how. */
export class LiveTextsThere {
  readonly #parts: TextsThereParts
  readonly #open: OpenTexts
  #last = 0

  constructor(parts: TextsThereParts, runtime: TextRuntime) {
    this.#parts = parts
    this.#open = new OpenTexts(
      {
        ...parts,
        // what is said anew stands in an outbox that is not here: each edit is a write
        push: { wasSentLast: () => true, wake: () => undefined },
        diverged: () => undefined,
        changed: () => undefined,
      },
      runtime,
    )
  }

  async open({ collection, id, path }: TextPlace): Promise<TextHandle> {
    const place = { collection, id, path }
    const { store, ask, send } = this.#parts
    const text = ++this.#last
    await ask(id => ({ type: 'openText', id, text, place }))
    const stored = textHere(store, place)
    const handle = stored && (await this.#open.handle(stored))
    if (!handle) {
      send({ type: 'closeText', text })
      throw new CloudError('ABORTED', {
        errMsg: 'document.text:fail the text ended meanwhile: open it again',
      })
    }
    void handle.closed.then(() => send({ type: 'closeText', text }))
    return handle
  }

  rewritten(writes: Parameters<OpenTexts['rewritten']>[0]): ReturnType<OpenTexts['rewritten']> {
    return this.#open.rewritten(writes)
  }

  /** Before they take effect in the store: what it shows of a text is what is open here. */
  hears(entries: readonly Entry[]): void {
    for (const entry of entries) {
      if (entry.kind === 'mutation') {
        for (const write of entry.mutation.writes)
          if (write.op === 'text') this.#open.heard(write, write.text, [write.update])
        continue
      }
      for (const step of entry.step.texts ?? []) {
        if ('add' in step) this.#open.heard(step, step.text, [step.add])
        else if (step.put) this.#open.heard(step, step.put.text, step.put.updates)
        const session = this.#open.get(step)
        const text = 'add' in step ? step.text : step.put?.text
        if (session && session.text !== text && !session.hasPending) this.#open.over(session, textOver())
      }
    }
  }

  /** They have taken effect. */
  heard(): void {
    this.#open.letGo()
  }

  rejected(mutation: Mutation, rejection: Rejection): void {
    this.#open.rejected(mutation, rejection)
  }

  stop(): void {
    this.#open.stop(
      new CloudError('ABORTED', { errMsg: 'another tab has the connection now: open the text again' }),
    )
  }
}
