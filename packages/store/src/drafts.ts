import type { Mutation, MutationId, Version } from '@nearcloud/protocol'
import { DocSet } from './doc-map.ts'
import { Outbox, touchedBy } from './outbox.ts'
import { readMutation } from './records.ts'
import type { ConfirmedStep, Draft, DraftJson } from './store.ts'

/* Effects of calls in the local store: an entry of its own, for apps that have functions to run on the device. */

/**
 * An outbox with what calls do here before the server has done it: drafts lie between its mutations, are seen like them, and are
 * never sent.
 */
export class DraftedOutbox extends Outbox {
  override drafts: readonly Draft[] = []
  /** Changed already, and shown when all is here that a call has done. */
  #held = new DocSet()

  override drafted(
    { laid, lifted, cut, checkpoint }: Omit<ConfirmedStep, 'lot'>,
    version: Version,
    concerned: DocSet,
  ): DocSet {
    if (laid && !this.drafts.some(({ key }) => key === laid.key)) {
      const draft = draftFrom(laid)
      this.drafts = [...this.drafts, draft]
      this.index(draft.mutation)
      concerned.addAll(touchedBy([draft.mutation]))
    }
    if (this.drafts.length === 0) return concerned
    const decided = lifted && this.drafts.find(({ key }) => key === lifted.key)
    if (decided) this.#decide(decided, lifted.version ?? 0)
    // also when the history is no more in which it was to come
    const over = this.drafts.filter(({ due }) => due !== undefined && (due <= version || cut !== undefined))
    this.drafts = this.drafts.filter(draft => !over.includes(draft))
    for (const { mutation } of over) this.unindex(mutation)
    concerned.addAll(touchedBy(over.map(({ mutation }) => mutation)))
    const hasMore = checkpoint?.version !== undefined && this.drafts.some(({ due }) => due !== undefined)
    this.#held.addAll(concerned)
    if (hasMore) return new DocSet()
    const shown = this.#held
    this.#held = new DocSet()
    return shown
  }

  /** Writes made behind it, on documents it shows, knew what it did: so does their base. */
  #decide(draft: Draft, due: Version): void {
    const { id, writes } = draft.mutation
    const docs = touchedBy([{ writes }])
    this.drafts = this.drafts.map(each => (each === draft ? draftFrom({ ...each.json, due }, each) : each))
    const knew = (mutation: Mutation, at: number) =>
      at < this.size - this.undurableCount &&
      mutation.id > id &&
      mutation.base < due &&
      mutation.writes.some(write => docs.has(write.collection, write.id))
    this.replaceAll((mutation, at) => (knew(mutation, at) ? { ...mutation, base: due } : mutation))
  }

  override renumber(first: MutationId): void {
    const numbers = this.mutationsBefore(this.drafts.map(({ mutation }) => mutation.id))
    this.drafts = this.drafts.map(({ json }, at) => {
      const { mutation } = json
      return draftFrom({
        ...json,
        mutation: { ...mutation, id: first - 1 + numbers[at]! + (mutation.id % 1) },
      })
    })
    super.renumber(first)
  }

  protected override index(mutation: Mutation): void {
    super.index(mutation)
    if (this.drafts.length === 0) return
    for (const [collection, id] of touchedBy([mutation]))
      (this.of(collection, id) as Mutation[]).sort((a, b) => a.id - b.id)
  }

  protected override replaceAll(change: (mutation: Mutation, at: number) => Mutation): void {
    super.replaceAll(change)
    for (const { mutation } of this.drafts) this.index(mutation)
  }

  /** For each number, how many mutations lie before it. */
  private mutationsBefore(numbers: readonly MutationId[]): readonly number[] {
    const ids: MutationId[] = []
    super.replaceAll(mutation => {
      ids.push(mutation.id)
      return mutation
    })
    return numbers.map(number => ids.filter(id => id < number).length)
  }
}

function draftFrom(
  json: DraftJson,
  { mutation }: Pick<Draft, 'mutation'> = { mutation: readMutation(json.mutation) },
): Draft {
  return Object.freeze({ ...json, json, mutation })
}
