import {
  CloudError,
  type FilesAsk,
  fromJson,
  type MutationId,
  toCloudError,
  toJson,
  type Value,
} from '@nearcloud/protocol'
import type { FollowOptions, Query } from '@nearcloud/query'
import { Checks } from './checks.ts'
import { Dialect } from './dialect.ts'
import { Emitter } from './emitter.ts'
import { Eviction } from './eviction.ts'
import { LocalFirstExecutor } from './executor.ts'
import { follow } from './follow.ts'
import type { Held } from './held.ts'
import { Link, type LinkState } from './link.ts'
import { pendingById, refusedAt, tellRejected } from './outcome-events.ts'
import { Parts } from './parts.ts'
import { Pull } from './pull.ts'
import { Push, sendingText } from './push.ts'
import { type Asked, lastMutation, Requests } from './requests.ts'
import { OpenPresence } from './rooms/presence.ts'
import { Rooms } from './rooms/rooms.ts'
import { ServerClock } from './server-clock.ts'
import { Session } from './session.ts'
import { Subscriptions } from './subscriptions.ts'
import type { OwnSync, SyncEvents, SyncOptions } from './sync.ts'
import type { Host } from './tabs/host.ts'
import { errorToData } from './tabs/told.ts'
import { Texts } from './texts/texts.ts'
import { Verdicts } from './verdicts.ts'

/** Puts the parts together. Nothing is sent before `start`. */
export function createSync(options: SyncOptions): OwnSync {
  const { store, transport, clock, random, env } = options
  const {
    warmMs = 60_000,
    cache: limits = {},
    checkMs = 300_000,
    text,
    isNamed = false,
    inPieces,
    compareFrom = 16,
  } = options
  const events = new Emitter<SyncEvents>()
  const serverClock = new ServerClock(clock)
  const requests = new Requests(clock, answerLimitMs, lastToSend)
  const verdicts = new Verdicts()
  const dialect = new Dialect(clock)
  const parts = options.parts && new Parts({ ...options.parts, clock, inPieces })
  const stopStoreEvents = store.onEvent(event => {
    if (event.name !== 'storageFailed') return
    requests.wake()
    held?.advance()
    if (event.error.code === 'STORE_FULL') eviction.makeRoom()
  })
  let access: string | undefined
  let signInNeeded: CloudError | undefined
  let lost = 0
  let session: Session | undefined
  let state: LinkState = 'offline'
  let waiting: (() => void)[] = []
  const push = new Push({
    outbox: () => store.outbox,
    clock,
    random,
    isHeld: options.isHeld,
    inPieces,
    resting: () => link.progressed(),
  })
  const subscriptions: Subscriptions = new Subscriptions({
    store,
    clock,
    warmMs,
    compareFrom,
    failed(error) {
      events.emit('error', toCloudError(error))
      link.doubt() // the next greeting puts it right, before anything else is stored
    },
    changed() {
      host?.changed()
      tellSettled()
      // nobody may want any more what is waited for
      if (subscriptions.crossing?.isDue) session?.between(async () => undefined)
    },
    progressed: progress => events.emit('progress', progress),
  })
  const pull = new Pull(store, subscriptions, inPieces)
  const checks = new Checks({
    store,
    subscriptions,
    pull,
    inPieces,
    clock,
    random,
    everyMs: checkMs,
    diverged: divergence => events.emit('diverged', divergence),
    alsoCheck: () => texts.check(),
  })
  const rooms = new Rooms(clock)
  const texts: Texts = new Texts({
    store,
    clock,
    random,
    serverClock,
    push,
    runtime: text,
    enter(room) {
      const presence = new OpenPresence(room)
      rooms.add(presence)
      return presence
    },
    isOnline: () => link.state === 'online',
    isReachable: () => isReachable(),
    committed: ({ mutation }) => events.emit('pending', { mutation }),
    changed: () => tellSettled(),
    diverged({ collection, id, path }) {
      const where = ['field', '_id', ['eq', id]] as const
      const query = { collection, where, orderBy: [], skip: 0 }
      events.emit('diverged', { collection, query, here: 1, there: 1, path })
    },
    failed: error => events.emit('error', error),
  })
  const link: Link = new Link({
    transport,
    clock,
    random,
    begin: connection =>
      new Session(
        {
          env,
          store,
          clock,
          random,
          serverClock,
          link,
          subscriptions,
          push,
          pull,
          requests,
          checks,
          texts,
          rooms,
          events,
          verdicts,
          dialect,
          parts,
          inPieces,
          isNamed,
          get lostMutations() {
            return lost
          },
          set lostMutations(count) {
            lost = count
          },
          welcomed(welcome, begun) {
            access = welcome.access
            signInNeeded = undefined
            session = begun
            host?.changed()
          },
          renewed(fresh) {
            access = fresh
            host?.changed()
          },
          signInNeeded(error) {
            signInNeeded = error
            host?.changed()
            events.emit('signInNeeded', { reason: String(error.details.reason), error })
          },
          advanced() {
            texts.advanced()
            held?.advance()
            tellSettled()
          },
        },
        connection,
      ),
    changed: () => linkChanged(),
  })
  /** Made, and fetched, when there is something to refuse. */
  let held: Held | undefined
  const eviction: Eviction = new Eviction({
    store,
    subscriptions,
    clock,
    limits,
    between: task => session?.between(task),
    evicted: detail => events.emit('evicted', detail),
  })
  const isReachable = () => link.state === 'online' || link.isHopeful
  const host: Host | undefined = options.host?.({
    store,
    subscriptions,
    requests,
    verdicts,
    events,
    status: () => ({
      state: link.state,
      isReachable: isReachable(),
      access,
      signInNeeded: signInNeeded && errorToData(signInNeeded),
      offsetMs: serverClock.offsetMs,
    }),
    enter: presence => rooms.add(presence),
    openText: place => texts.open(place),
    making: writes => texts.made(writes),
    hint: hint => link[hint](),
    whenSynced: () => whenSynced(),
    adopted(nonce, durable) {
      durable.then(
        () => {
          const mutation = store.outbox.mutations.find(each => each.nonce === nonce)
          if (mutation) events.emit('pending', { mutation })
          wakePush()
        },
        () => undefined,
      )
    },
  })

  function linkChanged(): void {
    const before = state
    state = link.state
    host?.changed()
    if (state === 'online' && before !== 'online') {
      events.emit('online', { openid: store.checkpoint.openid ?? '' })
      eviction.begin()
    } else if (state !== 'online') {
      eviction.end()
      held?.lost()
    }
    if (!isReachable()) {
      subscriptions.lost()
      requests.lost()
      texts.lost()
    }
    if (state === 'offline' && before === 'online') events.emit('offline', {})
  }

  function wakePush(): void {
    push.wake()
    requests.wake() // there may be less to wait for
    held?.advance()
  }

  /** The last mutation that waits for nothing but the server: what is asked goes after it. */
  function lastToSend(): MutationId {
    return push.heldAt > 0 ? push.heldAt - 1 : lastMutation(store)
  }

  function isSettled(): boolean {
    if (link.state !== 'online' || store.outbox.size > 0 || !texts.isSettled) return false
    for (const subscription of subscriptions)
      if (!subscription.isComplete && !subscription.denial) return false
    return true
  }

  function tellSettled(): void {
    if (waiting.length === 0 || !isSettled()) return
    const told = waiting
    waiting = []
    for (const resolve of told) resolve()
  }

  async function whenSynced(): Promise<void> {
    for (;;) {
      if (!isSettled()) await new Promise<void>(resolve => waiting.push(resolve))
      else if ((await session?.caughtUp()) && isSettled()) return
    }
  }

  async function ask(asked: Asked): Promise<Value> {
    if (!isReachable())
      throw new CloudError('OFFLINE', { errMsg: `${asked.type}: there is no connection to the server` })
    const result = await requests.ask(asked, lastMutation(store))
    return result === undefined ? null : fromJson(result, { keys: 'call' })
  }

  const following = (query: Query, options?: FollowOptions) =>
    follow({ store, subscriptions, denied: error => events.emit('error', error) }, query, options)

  const executor = new LocalFirstExecutor({
    store,
    subscriptions,
    requests,
    serverClock,
    random,
    verdicts,
    texts,
    inPieces,
    isReachable,
    follow: following,
    committed({ mutation }) {
      events.emit('pending', { mutation })
      wakePush()
    },
  })

  return {
    executor,
    get state() {
      return link.state
    },
    get openid() {
      return store.checkpoint.openid
    },
    get access() {
      return access
    },
    get signInNeeded() {
      return signInNeeded
    },
    start: () => link.start(),
    async stop({ isKept = true } = {}) {
      await link.stop()
      host?.stop()
      push.stop()
      stopStoreEvents()
      eviction.end()
      subscriptions.close()
      texts.stop()
      rooms.stop()
      verdicts.close(isKept)
    },
    goOffline: () => link.goOffline(),
    goOnline() {
      push.retry()
      link.goOnline()
    },
    wake: () => link.wake(),
    doubt: () => link.doubt(),
    retry: (nonce, writes, wait) => executor.retry(nonce, writes, wait),
    subscribe: following,
    enter: presence => rooms.add(presence),
    release: wakePush,
    async refuse(isConcerned, error) {
      if (!held) {
        const { Held } = await import('./held.ts')
        const between = (task: () => Promise<void>) =>
          session?.between(async () => {
            await task()
            tellSettled()
          })
        const common = { store, push, serverClock, events, verdicts, texts, between }
        held ??= new Held({ ...common, sendingText, pendingById, refusedAt, tellRejected })
      }
      const refused = held.refuse(isConcerned, error)
      if (link.state !== 'online') held.lost()
      return refused
    },
    get arriving() {
      return subscriptions.arriving()
    },
    call: (name: string, data: Value) => ask({ type: 'call', name, data: toJson(data) }),
    files: (question: FilesAsk) => ask({ type: 'files', ask: question }),
    async signInAgain(token) {
      await store.confirm({ checkpoint: { token } })
      signInNeeded = undefined
      link.goOnline()
    },
    async merge(token) {
      const { documents, left } = (await ask({ type: 'merge', token })) as { documents: number; left: number }
      return { documents, left }
    },
    whenSynced,
    between: task => session?.between(task),
    async caughtUp() {
      push.wake()
      return (await session?.caughtUp()) ?? false
    },
    join(send) {
      if (!host) throw new CloudError('INVALID_PARAM', { errMsg: 'the conversation has no host' })
      return host.join(send)
    },
    on: (name, listener) => events.on(name, listener),
  }
}

/** For count, aggregate, call and files. */
const answerLimitMs = 60_000
