import type { RandomBytes } from '@nearcloud/protocol'
import type { Filter, Query } from '@nearcloud/query'
import { openStore, type Store, type StoredSubscription } from '@nearcloud/store'
import { MemoryMedium, MemoryStorage, seededRandom, settle, TestClock } from '@nearcloud/store/testing'
import { createSync } from '../create-sync.ts'
import type { CacheLimits } from '../eviction.ts'
import { longMessages } from '../long-messages.ts'
import type { PartsOptions } from '../parts.ts'
import type { Hold } from '../push.ts'
import type { HoldingSync, SyncEvents } from '../sync.ts'
import { LocalPair } from './local-pair.ts'
import { ScriptedServer } from './scripted-server.ts'

/** A client with a store, a network of its own, and what its events said. */
export interface TestClient {
  readonly store: Store
  readonly sync: HoldingSync
  readonly network: LocalPair
  readonly medium: MemoryMedium
  /** Event names and their details, in order. */
  readonly events: readonly { readonly name: keyof SyncEvents; readonly detail: unknown }[]
  namesOf(...names: (keyof SyncEvents)[]): string[]
  /** Stops, and leaves the medium to the next. */
  stop(): Promise<void>
}

/** One scripted server and the clients that talk to it, on one clock. */
export class TestRig {
  readonly clock = new TestClock()
  readonly server = new ScriptedServer(this.clock)
  #seed: number

  constructor(seed = 1) {
    this.#seed = seed
  }

  /** A client with a new store, or with what `medium` holds. It is started unless `isStarted` is false. */
  async client(
    options: {
      medium?: MemoryMedium
      isStarted?: boolean
      warmMs?: number
      cache?: CacheLimits
      checkMs?: number
      compareFrom?: number
      random?: RandomBytes
      /** How far ahead this client's clock is. */
      clockSkewMs?: number
      /** Signed in by name, with this token. */
      named?: { readonly openid: string; readonly token: string }
      parts?: PartsOptions
      isHeld?: Hold
      /** The host wants its turn: so many characters at a time, and the pauses of `pause`, or at the next turn of the clock. */
      pieceCharacters?: number
      /** Of long work, once the store is open. */
      pause?: () => Promise<void>
    } = {},
  ): Promise<TestClient> {
    const { medium = new MemoryMedium(), isStarted = true, warmMs, cache, checkMs, clockSkewMs = 0 } = options
    const { named, parts } = options
    const random = options.random ?? seededRandom(this.#seed++)
    let pause: () => Promise<void> = async () => undefined
    const storage = new MemoryStorage(medium)
    const store = await openStore({ storage, random, pause: () => pause() })
    pause = options.pause ?? pause
    if (named) await store.confirm({ checkpoint: named })
    const network = new LocalPair({ accept: this.server.accept, clock: this.clock })
    const sync = createSync({
      store,
      transport: network.transport,
      clock: {
        now: () => this.clock.now() + clockSkewMs,
        after: (delayMs, task) => this.clock.after(delayMs, task),
      },
      random,
      env: 'test',
      isNamed: named !== undefined,
      ...(parts && { parts }),
      ...(options.isHeld && { isHeld: options.isHeld }),
      ...(options.pieceCharacters && {
        inPieces: {
          characters: options.pieceCharacters,
          long: longMessages,
          pause: options.pause ?? (() => new Promise(resolve => void this.clock.after(0, resolve))),
        },
      }),
      ...(warmMs !== undefined && { warmMs }),
      ...(cache && { cache }),
      ...(checkMs !== undefined && { checkMs }),
      ...(options.compareFrom !== undefined && { compareFrom: options.compareFrom }),
    })
    const events: { name: keyof SyncEvents; detail: unknown }[] = []
    for (const name of [
      'pending',
      'accepted',
      'rejected',
      'online',
      'offline',
      'progress',
      'evicted',
      'diverged',
      'signInNeeded',
      'historyLost',
      'error',
    ] as const)
      sync.on(name, detail => events.push({ name, detail }))
    if (isStarted) {
      sync.start()
      await settle()
    }
    return {
      store,
      sync,
      network,
      medium,
      events,
      namesOf: (...names) => events.map(({ name }) => name).filter(name => names.includes(name)),
      async stop() {
        await sync.stop()
        await store.close()
        medium.restart()
      },
    }
  }

  /** Lets what needs no time happen, then time pass. */
  async pass(ms = 0): Promise<void> {
    await settle()
    await this.clock.advance(ms)
    await settle()
  }
}

/** The queries that are kept in step, of those a store knows. */
export function keptBy(store: Store): StoredSubscription[] {
  return [...store.subscriptions.values()].filter(({ letGo }) => letGo === undefined)
}

/** A query of everything in a collection, or of what matches. */
export function everyOne(collection: string, where: Filter = ['and', []], more: Partial<Query> = {}): Query {
  return { collection, where, orderBy: [], skip: 0, ...more }
}
