import type { CloudError, RandomBytes } from '@nearcloud/protocol'
import { keepRemovals } from './keep-removals.ts'
import { load, loadError, storedSegment } from './load.ts'
import { LocalStore } from './local-store.ts'
import { restore } from './open-store.ts'
import type { Outbox } from './outbox.ts'
import type { Refused, Removal } from './record-log.ts'
import { type Entry, readEntry, readLog, recordOf } from './records.ts'
import { Segments } from './segments.ts'
import type { Storage } from './storage.ts'
import type { LoggedGroup, Store } from './store.ts'

export interface MirrorOptions {
  /** Not opened yet, and only read: it may be another's at the same time. Closed when the mirror is open. */
  readonly storage: Storage
  readonly random: RandomBytes
  /** Of this tab: how many of its writes are in the log is in the checkpoint. */
  readonly tab: string
  /** The texts of this tab's own writes that may not be in the log yet, with their numbers, in order. */
  readonly waiting: readonly { readonly number: number; readonly entry: string }[]
  /** As in `OpenStoreOptions`. */
  readonly pause?: () => Promise<void>
  readonly outbox?: Outbox
  /** Brings a write to whoever writes the log. Resolves when it is in there and was heard here. */
  write(entry: string): Promise<void>
  /** These are about to take effect. */
  hears?(entries: readonly Entry[]): void
}

/** A store that reads the log another one writes, and writes through that. */
export interface Mirror {
  readonly store: Store
  /** The next group of the log; those that were read from storage already are passed over. */
  heard(group: LoggedGroup): void
  /** Nothing that was on its way will be in the log. Returned are the texts of removals that stay here: to be written once more. */
  refused(error: CloudError): readonly string[]
}

/**
 * Reads the log as storage has it. Whatever is logged from the call on is for `heard`, in order: what was read already is passed
 * over. Rejects as `openStore`.
 */
export async function openMirror(options: MirrorOptions): Promise<Mirror> {
  const { storage, random, tab, pause = async () => undefined } = options
  const info = await storage.open({ durability: 'relaxed' })
  let last = 0
  try {
    const loaded = await load({
      ...noMedium,
      async *read() {
        for await (const page of storage.read()) {
          last = page[page.length - 1]?.sequence ?? last
          yield page
        }
      },
    })
    // whoever writes it is at it: what it is to be is there a moment later
    if (loaded.damage) throw new Error('it was read while it was written')
    const state = await restore(loaded, random, pause, options.outbox)
    let refused: Refused = () => []
    let removals: readonly WaitingRemoval[] = []
    const store = new LocalStore({
      state,
      segments: new Segments(loaded),
      storage: noMedium,
      info,
      random,
      pause,
      damage: undefined,
      log: given => {
        refused = given
        return {
          write(text, _done, more) {
            const written = options.write(text)
            if (!more?.removal) return written
            const waiting = { text, removal: more.removal, tries: 1 }
            removals = [...removals, waiting]
            const settled = () => {
              removals = removals.filter(each => each !== waiting)
            }
            written.then(settled, settled)
            return written
          },
          fold: async () => undefined,
          found: () => undefined,
          close: async () => undefined,
        }
      },
    })
    const heard = ({ aheads, log, sequence }: LoggedGroup) => {
      if (sequence <= last) return
      last = sequence
      const segments = new Map(
        aheads
          .map(text => storedSegment({ text: recordOf(text).text, sequences: [], isIntact: true }))
          .map(each => [each.head.name, each]),
      )
      const entries = readLog(recordOf(log).text, name => segments.get(name)!)
      options.hears?.(entries)
      store.heard(entries)
    }
    const taken = store.checkpoint.tabs?.[tab] ?? 0
    for (const { number, entry } of options.waiting) {
      const read = readEntry(entry)
      if (number > taken && read.kind === 'mutation')
        store.show(Object.freeze({ ...read.mutation, id: store.checkpoint.nextMutation }))
    }
    return {
      store,
      heard,
      refused(error) {
        // refused once more they may be so for themselves
        const mayStay = removals.filter(({ tries }) => error.code === 'STORE_FULL' && tries < mostTries)
        return refused(error, keepRemovals(mayStay)).map(waiting => {
          waiting.tries++
          return waiting.text
        })
      },
    }
  } catch (thrown) {
    throw loadError(thrown)
  } finally {
    await storage.close().catch(() => undefined)
  }
}

/** On its way to whoever writes the log. */
interface WaitingRemoval {
  readonly text: string
  readonly removal: Removal
  tries: number
}

const mostTries = 3

/** What is not written here needs no place. */
const noMedium: Storage = {
  open: async () => ({ maxPayloadBytes: 1, volatile: false }),
  async *read() {},
  append: async () => [],
  drop: async () => undefined,
  close: async () => undefined,
}
