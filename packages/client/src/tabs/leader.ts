import { encode, errorFromData, toCloudError, type Value } from '@nearcloud/protocol'
import { type Down, errorToData, type Guest, type Up } from '@nearcloud/sync'
import type { LocalCall } from '../functions.ts'
import { type Auth, createAuth } from '../identity/auth.ts'
import { Device, type DeviceEvents } from '../identity/device.ts'
import type { Opening } from '../identity/seat.ts'
import type { Setting } from '../init-options.ts'
import type { OwnInstance } from '../instance.ts'
import type { Platform } from '../platform.ts'
import { Transfer, type UploadProgress } from '../transfer-task.ts'
import type { Engine } from './engine.ts'
import type { AuthMethod, CallSaid, DeviceStatus, Message, News, Wish } from './messages.ts'
import { takingOver } from './taking-over.ts'

export interface LeaderOptions {
  readonly platform: Platform
  readonly setting: Setting
  /** This tab. */
  readonly tab: string
  readonly events: DeviceEvents
  isOffline(): boolean
  post(message: Message): void
  /** Resolves when this tab is no more. */
  whenGone(tab: string): Promise<void>
  /** Another user is active, or the same one's work has begun anew. */
  changed(engine: Engine): void
  /** Somebody else writes to the storage. */
  lost(): void
}

type OwnEngine = Engine & { readonly instance: OwnInstance }

interface Visit {
  readonly session: string
  guest: Guest | undefined
  readonly uploads: Map<number, Transfer<UploadProgress>>
  number: number
}

/** The device in the tab that leads, and the others as its guests. */
export class Leader {
  readonly #options: LeaderOptions
  readonly #device: Device
  readonly #visits = new Map<string, Visit>()
  /** Tabs whose end is waited for. */
  readonly #watched = new Set<string>()
  readonly #auth: Auth
  #engine: OwnEngine | undefined
  #isOver = false

  constructor(options: LeaderOptions) {
    this.#options = options
    const { platform, setting, events } = options
    this.#device = new Device(takingOver(platform), setting, Promise.resolve(), {
      uploaded: (file, error) => {
        events.uploaded(file, error)
        const { fileID } = file
        this.#tell({ type: 'uploaded', fileID, ...(error && { error: errorToData(error) }) })
        this.#tellDevice()
      },
      called: event => {
        events.called(event)
        const { key, name, data, result, error } = event
        const outcome = error ? { error: errorToData(error) } : { result: encode(result as Value) }
        this.#tell({ type: 'called', key, name, data: encode(data), ...outcome })
        this.#tellDevice()
      },
      failed: error => {
        if (error.code === 'STORE_IN_USE' || error.details.reason === 'late') this.#lost()
        else events.failed(error)
      },
      dropped: rejected => {
        events.dropped(rejected)
        this.#tell({ type: 'dropped', nonces: rejected.map(({ mutation }) => mutation.nonce) })
      },
      began: () => {
        // a switch that came to nothing: the user before goes on, from the beginning
        if (this.#engine && this.#device.user?.slot === this.#engine.user.slot) this.#changed('closed')
      },
      userChanged: () => this.#changed('userChanged'),
      merged: merged => {
        events.merged(merged)
        this.#tell({ type: 'merged', merged })
      },
    })
    this.#device.isOfflineByChoice = options.isOffline()
    const on = () => this.#device
    const silent = () => () => undefined
    this.#auth = createAuth({ device: on, current: on, onChanged: silent, onExpired: silent })
  }

  get device(): DeviceStatus | undefined {
    if (!this.#engine) return undefined
    const { queue, queuedCalls, store } = this.#engine.instance
    return {
      isOffline: this.#device.isOfflineByChoice,
      uploads: queue.size,
      calls: queuedCalls.size,
      volatile: store.volatile,
    }
  }

  /** Rejects as `init` does. */
  async open(): Promise<Engine> {
    const opening = await this.#device.seat.opening
    const engine = this.#take(opening)
    const { post, tab } = this.#options
    post({ type: 'leads', leader: tab })
    for (const name of Object.keys(opening.instance.store.checkpoint.tabs ?? {})) this.#watch(name)
    return engine
  }

  /** What this tab wrote before it led. */
  brings(): { send(message: (id: number) => Up): Promise<unknown>; end(): void } {
    const answers = new Map<number, { resolve(result: unknown): void; reject(error: unknown): void }>()
    let last = 0
    const guest = this.#engine!.instance.sync.join(message => {
      if (message.type !== 'answer') return
      const { id, error, result } = message
      if (error) answers.get(id)?.reject(errorFromData(error))
      else answers.get(id)?.resolve(result)
      answers.delete(id)
    })
    return {
      send: message =>
        new Promise((resolve, reject) => {
          answers.set(++last, { resolve, reject })
          guest.heard(message(last))
        }),
      end: () => guest.left(),
    }
  }

  heard(message: Message): void {
    if (this.#isOver) return
    const { post, tab } = this.#options
    if (message.type === 'ping') post({ type: 'pong', leader: tab, device: this.device })
    else if (message.type === 'join' && this.#engine) this.#join(message.from, message.session, this.#engine)
    else if (message.type === 'up' && message.leader === tab) {
      const visit = this.#visitOf(message.session)
      if (visit) this.#heard(visit[0], visit[1], message.message)
    } else if (message.type === 'left') {
      const visit = this.#visitOf(message.session)
      if (visit) this.#leave(visit[0])
    }
  }

  async close(options?: { destroy?: boolean }): Promise<void> {
    if (this.#isOver) return
    this.#isOver = true
    this.#engine = undefined
    try {
      await this.#device.close(options)
    } finally {
      this.#sendAway('closed')
    }
  }

  #take({ instance, files }: Opening<OwnInstance>): Engine {
    const user = this.#device.user!
    const { executor } = this.#device.seat
    this.#engine = {
      user,
      instance,
      files,
      executor,
      auth: (method, args) => this.#askAuth(method, args),
      setOffline: isOffline => this.#setOffline(isOffline),
      close: async () => undefined,
    }
    return this.#engine
  }

  #changed(reason: 'userChanged' | 'closed'): void {
    const { instance, files } = this.#device.seat
    if (!instance || !files || this.#isOver) return
    const engine = this.#take({ instance, files })
    this.#sendAway(reason)
    this.#options.changed(engine)
  }

  #sendAway(reason: 'userChanged' | 'closed'): void {
    for (const [to, { session, guest }] of [...this.#visits]) {
      guest?.left()
      this.#visits.delete(to)
      this.#options.post({ type: 'over', to, session, reason })
    }
  }

  #lost(): void {
    if (this.#isOver) return
    this.#options.lost()
  }

  #askAuth(method: AuthMethod, args: readonly unknown[]): Promise<unknown> {
    return (this.#auth[method] as (...args: readonly unknown[]) => Promise<unknown>)(...args)
  }

  #setOffline(isOffline: boolean): void {
    this.#device.isOfflineByChoice = isOffline
    const sync = this.#engine?.instance.sync
    if (isOffline) sync?.goOffline()
    else sync?.goOnline()
    this.#tellDevice()
  }

  // ---- guests ------------------------------------------------------------------------------------------------------

  #join(from: string, session: string, { user, instance }: OwnEngine): void {
    this.#leave(from)
    const { post, tab } = this.#options
    const send = (message: Down | News) => {
      const visit = this.#visits.get(from)
      if (visit?.session === session)
        post({ type: 'down', to: from, session, number: ++visit.number, message })
    }
    post({ type: 'joined', to: from, session, leader: tab, user, device: this.device! })
    const visit: Visit = { session, number: 0, uploads: new Map(), guest: undefined }
    this.#visits.set(from, visit)
    visit.guest = instance.sync.join(send)
    this.#watch(from)
  }

  #watch(tab: string): void {
    if (this.#watched.has(tab)) return
    this.#watched.add(tab)
    void this.#options.whenGone(tab).then(() => {
      this.#watched.delete(tab)
      if (this.#isOver) return
      this.#leave(tab)
      this.#engine?.instance.store.confirm({ left: [tab] }).catch(() => undefined)
    })
  }

  #leave(tab: string): void {
    this.#visits.get(tab)?.guest?.left()
    this.#visits.delete(tab)
  }

  #visitOf(session: string): [tab: string, visit: Visit] | undefined {
    return [...this.#visits].find(([, visit]) => visit.session === session)
  }

  #tell(message: News): void {
    for (const [to, visit] of this.#visits) this.#send(to, visit, message)
  }

  #send(to: string, visit: Visit, message: Down | News): void {
    if (this.#visits.get(to) !== visit) return
    const { session } = visit
    this.#options.post({ type: 'down', to, session, number: ++visit.number, message })
  }

  #tellDevice(): void {
    const { device } = this
    if (device) this.#tell({ type: 'device', device })
  }

  #heard(tab: string, visit: Visit, message: Up | Wish): void {
    const engine = this.#engine
    if (!engine) return
    const answer = (id: number, work: Promise<unknown>) => {
      work.then(
        result => this.#send(tab, visit, { type: 'answer', id, result }),
        (thrown: unknown) =>
          this.#send(tab, visit, { type: 'answer', id, error: errorToData(toCloudError(thrown)) }),
      )
    }
    switch (message.type) {
      case 'auth':
        this.#answerAuth(tab, message)
        return
      case 'upload':
        answer(message.id, this.#upload(tab, visit, message, engine))
        return
      case 'abort':
        visit.uploads.get(message.upload)?.task.abort()
        return
      case 'urls':
        answer(message.id, engine.files.urls(message.asked))
        return
      case 'delete':
        answer(message.id, engine.files.delete(message.asked))
        return
      case 'whenUploaded':
        answer(message.id, engine.instance.uploads.whenEmpty())
        return
      case 'queueCall':
        answer(message.id, this.#queueCall(message.call, engine))
        return
      case 'whenCalled':
        answer(message.id, engine.instance.queuedCalls.whenEmpty())
        return
      case 'offline':
        this.#setOffline(message.isOffline)
        return
      default:
        visit.guest?.heard(message)
    }
  }

  /** Who asked is another session's when users have changed. */
  #answerAuth(tab: string, { id, method, args }: Wish & { type: 'auth' }): void {
    const { post } = this.#options
    this.#askAuth(method, args).then(
      result => post({ type: 'authAnswer', to: tab, id, result }),
      (thrown: unknown) =>
        post({ type: 'authAnswer', to: tab, id, error: errorToData(toCloudError(thrown)) }),
    )
  }

  /** After everything that was written here until now. */
  async #queueCall(call: LocalCall, { instance }: Engine): Promise<CallSaid> {
    const after = instance.store.checkpoint.nextMutation - 1
    const brought = instance.queuedCalls.bring({ ...call, after })
    this.#tellDevice()
    try {
      const said = await brought
      if ('error' in said) return { error: errorToData(said.error) }
      return 'waits' in said ? said : { result: encode(said.result), requestId: said.requestId }
    } finally {
      this.#tellDevice()
    }
  }

  async #upload(
    tab: string,
    visit: Visit,
    { id, options, nonce }: Wish & { type: 'upload' },
    { files }: Engine,
  ): Promise<unknown> {
    const transfer = new Transfer<UploadProgress>()
    transfer.nonce = nonce
    visit.uploads.set(id, transfer)
    transfer.task.onProgressUpdate(progress =>
      this.#send(tab, visit, { type: 'uploading', upload: id, progress }),
    )
    transfer.task.onHeadersReceived(({ header }) =>
      this.#send(tab, visit, { type: 'uploading', upload: id, header }),
    )
    try {
      return await files.upload(options, transfer)
    } finally {
      visit.uploads.delete(id)
      this.#tellDevice()
    }
  }
}
