import {
  type Clock,
  CloudError,
  errorFromData,
  type FilesAsk,
  fromJson,
  type Mutation,
  type RandomBytes,
  toCloudError,
  toJson,
  type Value,
} from '@nearcloud/protocol'
import { type FollowOptions, parseQuery, type Query } from '@nearcloud/query'
import type { Entry, Store } from '@nearcloud/store'
import { Emitter } from '../emitter.ts'
import { LocalFirstExecutor } from '../executor.ts'
import { follow } from '../follow.ts'
import type { Asked } from '../requests.ts'
import { OpenPresence } from '../rooms/presence.ts'
import type { Sync, SyncEvents } from '../sync.ts'
import type { TextRuntime } from '../texts/text-runtime.ts'
import type { Verdict } from '../verdicts.ts'
import { HeldThere } from './held-there.ts'
import type { Down, TabStatus, Up } from './messages.ts'
import { RoomsThere } from './rooms-there.ts'
import { TextsThere } from './texts-there.ts'
import { eventFromData } from './told.ts'

export interface GuestSyncOptions {
  /** Reads what the one that leads writes down, and writes through it. */
  readonly store: Store
  readonly clock: Clock
  readonly random: RandomBytes
  send(message: Up): void
  /** As in `SyncOptions`. */
  readonly text?: (() => Promise<TextRuntime>) | undefined
}

export interface GuestSync extends Sync {
  /** What the one that leads says; of `logged` and `refused` the store has been told before. */
  heard(message: Down): void
  /** Entries of the log, before they take effect in the store, and that they have. */
  logs(entries: readonly Entry[]): void
  logged(): void
  /** Asks, and is answered once; rejects with CLOSED when nobody leads any more. */
  ask(message: (id: number) => Up): Promise<unknown>
}

/**
 * A `Sync` without a conversation of its own: another tab has it. Reads are answered by the store that is here; everything else
 * is asked of that tab.
 */
export function createGuestSync(options: GuestSyncOptions): GuestSync {
  const { store, clock, random, send } = options
  const events = new Emitter<SyncEvents>()
  const answers = new Map<number, { resolve(result: unknown): void; reject(error: CloudError): void }>()
  const verdicts = new Map<string, { resolve(verdict: Verdict): void; reject(error: CloudError): void }>()
  let status: TabStatus | undefined
  let lastId = 0
  let isOver = false

  function ask(message: (id: number) => Up): Promise<unknown> {
    if (isOver) return Promise.reject(closed())
    const id = ++lastId
    return new Promise((resolve, reject) => {
      answers.set(id, { resolve, reject })
      send(message(id))
    })
  }

  const askServer = async (asked: Asked): Promise<Value> => {
    const result = await requests.ask(asked)
    return result === undefined ? null : fromJson(result, { keys: 'call' })
  }
  const requests = {
    ask: (asked: Asked) => ask(id => ({ type: 'ask', id, asked })),
  }
  const held = new HeldThere({ store, send, ask })
  const rooms = new RoomsThere(send)
  const following = (query: Query, wish?: FollowOptions) =>
    follow({ store, subscriptions: held, denied: error => events.emit('error', error) }, query, wish)

  const serverClock = { now: () => clock.now() + (status?.offsetMs ?? 0) }
  const isReachable = () => status?.isReachable ?? false
  const texts = new TextsThere({
    store,
    clock,
    random,
    serverClock,
    send,
    ask,
    isReachable,
    runtime: options.text,
    isOnline: () => status?.state === 'online',
    enter(room) {
      const presence = new OpenPresence(room)
      rooms.add(presence)
      return presence
    },
    committed: () => undefined,
    failed: error => events.emit('error', error),
  })

  const executor = new LocalFirstExecutor({
    store,
    subscriptions: held,
    requests,
    random,
    follow: following,
    serverClock,
    isReachable,
    committed: () => undefined, // whoever leads tells everybody
    verdicts: {
      of({ nonce }: Pick<Mutation, 'nonce'>) {
        const verdict = new Promise<Verdict>((resolve, reject) => verdicts.set(nonce, { resolve, reject }))
        verdict.catch(() => undefined)
        return verdict
      },
      forget: ({ nonce }) => void verdicts.delete(nonce),
    },
    texts,
  })

  function heard(message: Down): void {
    switch (message.type) {
      case 'status':
        status = message.status
        return
      case 'answer': {
        const waiting = answers.get(message.id)
        answers.delete(message.id)
        if (message.error) waiting?.reject(errorFromData(message.error))
        else waiting?.resolve(message.result)
        return
      }
      case 'verdict': {
        const waiting = verdicts.get(message.nonce)
        verdicts.delete(message.nonce)
        if (message.verdict) waiting?.resolve(message.verdict)
        else waiting?.reject(errorFromData(message.error!))
        return
      }
      case 'event':
        if (message.name === 'rejected') tellTexts(message.detail)
        events.emit(message.name, eventFromData(message.detail) as never)
        return
      case 'denied':
      case 'progressed':
        held.heard(message)
        return
      case 'peers':
      case 'roomClosed':
        rooms.heard(message)
        return
    }
  }

  function tellTexts(detail: unknown): void {
    const { mutation, ...rejection } = eventFromData(detail) as SyncEvents['rejected']
    texts.rejected(mutation, rejection)
  }

  return {
    heard,
    logs: entries => texts.hears(entries),
    logged: () => texts.heard(),
    ask,
    executor,
    get state() {
      return status?.state ?? 'connecting'
    },
    get openid() {
      return store.checkpoint.openid
    },
    get access() {
      return status?.access
    },
    get signInNeeded() {
      return status?.signInNeeded && errorFromData(status.signInNeeded)
    },
    start: () => undefined,
    async stop({ isKept = true } = {}) {
      isOver = true
      texts.stop()
      for (const { reject } of answers.values()) reject(closed())
      answers.clear()
      const words = isKept
        ? 'closed before the server answered: the write is kept here, and sent all the same'
        : 'closed, and removed from this device, before the server answered'
      for (const { reject } of verdicts.values())
        reject(new CloudError('CLOSED', { errMsg: words, details: { isKept } }))
      verdicts.clear()
    },
    goOffline: () => send({ type: 'hint', hint: 'goOffline' }),
    goOnline: () => send({ type: 'hint', hint: 'goOnline' }),
    wake: () => send({ type: 'hint', hint: 'wake' }),
    doubt: () => send({ type: 'hint', hint: 'doubt' }),
    retry: (nonce, writes, wait) => executor.retry(nonce, writes, wait),
    subscribe: following,
    enter: presence => rooms.add(presence),
    get arriving() {
      return (status?.arriving ?? []).map(each => ({ ...each, query: parseQuery(each.query) }))
    },
    call: (name, data) => askServer({ type: 'call', name, data: toJson(data) }),
    files: (question: FilesAsk) => askServer({ type: 'files', ask: question }),
    signInAgain: () => Promise.reject(elsewhere()),
    merge: () => Promise.reject(elsewhere()),
    async whenSynced() {
      await ask(id => ({ type: 'whenSynced', id }))
    },
    join: () => {
      throw toCloudError(elsewhere())
    },
    on: (name, listener) => events.on(name, listener),
  }
}

function closed(): CloudError {
  return new CloudError('CLOSED', { errMsg: 'the tab that had the connection is gone' })
}

function elsewhere(): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg: 'this is done in the tab that has the connection' })
}
