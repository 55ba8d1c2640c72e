import { CloudError, toCloudError, toHex } from '@nearcloud/protocol'
import type { Down } from '@nearcloud/sync'
import type { Place } from '../create-cloud.ts'
import type { DeviceEvents } from '../identity/device.ts'
import type { DeviceUser } from '../identity/register.ts'
import { type Opening, Seat } from '../identity/seat.ts'
import type { Setting } from '../init-options.ts'
import { part } from '../later-files.ts'
import type { Platform } from '../platform.ts'
import { Answers } from './answers.ts'
import type { Aborting, Channel, Crossing } from './crossing.ts'
import { Election } from './election.ts'
import type { Engine } from './engine.ts'
import type { GuestEngine } from './guest-engine.ts'
import { Leader } from './leader.ts'
import type { AuthMethod, Message, News } from './messages.ts'
import { Steady } from './steady.ts'
import { Writes } from './writes.ts'

export interface TabPlatform extends Platform {
  readonly crossing: Crossing
  /** Another one is about to lead, and is better at it: this one does when that is gone, or does not come. */
  readonly isPatient?: boolean
  aborting(): Aborting
}

/** Where this tab is a guest. */
interface Session {
  readonly name: string
  leader: string | undefined
  /** Said before the engine was there. */
  readonly early: (Down | News)[]
  engine: GuestEngine | undefined
  heard: number
}

/** One `init` in one tab of several: it leads, or is a guest of the tab that does. */
export class TabDevice implements Place {
  readonly setting: Setting
  seat: Seat
  readonly #platform: TabPlatform
  readonly #events: DeviceEvents
  readonly #tab: string
  readonly #writes: Writes
  readonly #auth = new Answers()
  #channel: Channel | undefined
  #election: Election | undefined
  #leader: Leader | undefined
  /** Of one that stops to lead: the next begins when it has. */
  #leaving: Promise<unknown> = Promise.resolve()
  #session: Session | undefined
  #steady: Steady | undefined
  #user: DeviceUser | undefined
  #leaveTab: () => void = () => undefined
  #isClosed = false
  #isOffline = false
  /** Said while nobody could be told. */
  #offlineWish: boolean | undefined
  #isGivenUp = false
  /** That what guests need cannot be loaded is said once, however often it is tried. */
  #isToldOfParts = false
  #open: (opening: Opening) => void = () => undefined
  #fail: (error: CloudError) => void = () => undefined

  /** `previous` may hold the very stores this one wants. */
  constructor(platform: TabPlatform, setting: Setting, previous: Promise<unknown>, events: DeviceEvents) {
    this.setting = setting
    this.#platform = platform
    this.#events = events
    this.#tab = toHex(platform.random(8))
    this.#writes = new Writes(this.#tab)
    this.seat = this.#newSeat()
    void previous.then(() => this.#begin())
  }

  get isOfflineByChoice(): boolean {
    return this.#isOffline
  }

  set isOfflineByChoice(isOffline: boolean) {
    this.#isOffline = isOffline
    if (!this.#steady?.engine) this.#offlineWish = isOffline
  }

  get user(): DeviceUser | undefined {
    return this.#user
  }

  get isLeading(): boolean {
    return this.#leader !== undefined
  }

  auth(method: AuthMethod, args: readonly unknown[]): Promise<unknown> {
    const engine = this.#steady?.engine
    if (engine) return engine.auth(method, args)
    return Promise.reject(gone())
  }

  async close(options: { destroy?: boolean } = {}): Promise<void> {
    if (this.#isClosed) return
    const leader = this.#leader
    if (!leader && options.destroy) this.#post({ type: 'destroy' })
    if (!leader) await this.#whenWritten()
    this.#isClosed = true
    this.#steady?.end(closed())
    this.#fail(closed())
    this.#auth.lost(closed())
    try {
      await this.#leaving
      await leader?.close(options)
      if (this.#session) this.#post({ type: 'left', session: this.#session.name })
      await this.#session?.engine?.close()
    } finally {
      this.#leader = undefined
      this.#session = undefined
      this.#writes.close()
      this.#election?.stop()
      this.#leaveTab()
      this.#channel?.close()
    }
  }

  async #begin(): Promise<void> {
    if (this.#isClosed) return
    const { crossing, clock, random } = this.#platform
    const name = `nearcloud.tabs:${this.setting.storeName}`
    this.#channel = crossing.channel(name)
    this.#channel.listen(message => this.#heard(message as Message))
    // whoever leads sees by it that this tab is there
    await new Promise<void>(resolve => {
      const hold = () => {
        resolve()
        return new Promise<void>(release => {
          this.#leaveTab = release
        })
      }
      crossing.locks.request(tabLock(this.#tab), {}, hold).catch(() => undefined)
    })
    if (this.#isClosed) return this.#leaveTab()
    this.#election = new Election({
      locks: crossing.locks,
      name,
      clock,
      random,
      aborting: () => this.#platform.aborting(),
      won: () => this.#lead(),
      lost: () => this.#follow(),
      ping: () => this.#post({ type: 'ping', from: this.#tab }),
    })
    if (this.#platform.isPatient) clock.after(patienceMs, () => this.#election?.start())
    else this.#election.start()
    this.#join()
  }

  // ---- leading -----------------------------------------------------------------------------------------------------

  #lead(): void {
    this.#endSession()
    const { crossing } = this.#platform
    const leader: Leader = new Leader({
      platform: this.#platform,
      setting: this.setting,
      tab: this.#tab,
      events: this.#events,
      isOffline: () => this.#isOffline,
      post: message => this.#post(message),
      whenGone: tab => crossing.locks.request(tabLock(tab), {}, async () => undefined),
      changed: engine => this.#attach(engine),
      lost: () => this.#resign(leader),
    })
    this.#leader = leader
    void this.#leaving.then(async () => {
      try {
        const engine = await leader.open()
        if (this.#leader !== leader) return
        this.#bring(leader, engine)
        this.#attach(engine)
        // what a guest needs is here when another one leads, and there may be no network then
        if (!this.#platform.isWhole) void loadGuest().catch(() => undefined)
      } catch (thrown) {
        if (this.#leader !== leader) return
        this.#leader = undefined
        this.#giveUp(toCloudError(thrown))
      }
    })
  }

  /** The store cannot be opened here: another tab may have more luck. */
  #giveUp(error: CloudError): void {
    this.#session = undefined
    this.#fail(error)
    if (this.#steady) this.#events.failed(error)
    this.#election?.stop()
    this.#isGivenUp = true
  }

  /** What was written while somebody else led, and may not have got there. */
  #bring(leader: Leader, engine: Engine): void {
    const brought = leader.brings()
    void this.#writes.sendAgain(engine.user.slot, message => brought.send(message)).then(() => brought.end())
  }

  #resign(leader: Leader): void {
    if (this.#leader !== leader) return
    this.#follow()
    this.#election?.resign()
  }

  /** Somebody else leads, or will. */
  #follow(): void {
    const leader = this.#leader
    this.#leader = undefined
    this.#steady?.detach()
    this.#auth.lost(gone())
    if (leader) this.#leaving = leader.close().catch(() => undefined)
    this.#join()
  }

  // ---- being a guest -----------------------------------------------------------------------------------------------

  #join(): void {
    this.#endSession()
    if (this.#isClosed || this.#isGivenUp || this.#leader) return
    const name = toHex(this.#platform.random(8))
    this.#session = { name, leader: undefined, early: [], engine: undefined, heard: 0 }
    this.#post({ type: 'join', from: this.#tab, session: name })
  }

  #endSession(): void {
    const session = this.#session
    this.#session = undefined
    if (!session?.engine) return
    this.#steady?.detach()
    void session.engine.close()
  }

  #heard(message: Message): void {
    if (this.#isClosed) return
    if (this.#leader) {
      if (message.type === 'destroy') void this.#destroy(this.#leader)
      else if (message.type !== 'leads' || message.leader === this.#tab) this.#leader.heard(message)
      return
    }
    const session = this.#session
    switch (message.type) {
      case 'leads':
        this.#election?.heard()
        this.#join()
        return
      case 'pong':
        this.#election?.heard()
        if (message.device && (!session || session.leader !== message.leader)) this.#join()
        return
      case 'joined':
        if (message.to === this.#tab && message.session === session?.name) void this.#enter(session, message)
        return
      case 'down':
        if (message.to !== this.#tab || message.session !== session?.name) return
        this.#election?.heard()
        if (message.number !== ++session.heard) {
          this.#join()
          return
        }
        if (session.engine) session.engine.heard(message.message)
        else session.early.push(message.message)
        return
      case 'over':
        if (message.to !== this.#tab || message.session !== session?.name) return
        if (message.reason === 'userChanged') this.#userLeaves()
        this.#join()
        return
      case 'authAnswer':
        if (message.to === this.#tab) this.#auth.heard(message)
    }
  }

  async #enter(session: Session, joined: Message & { type: 'joined' }): Promise<void> {
    const { leader, user, device } = joined
    if (device.volatile) {
      this.#goAlone()
      return
    }
    session.leader = leader
    this.#election?.heard()
    this.#isOffline = device.isOffline
    try {
      const { GuestEngine } = await loadGuest()
      const engine = await GuestEngine.open(
        {
          platform: this.#platform,
          setting: this.setting,
          tab: this.#tab,
          user,
          device,
          writes: this.#writes,
          events: this.#events,
          send: message => this.#post({ type: 'up', session: session.name, leader, message }),
          auth: (method, args) =>
            this.#auth.ask(id =>
              this.#post({
                type: 'up',
                session: session.name,
                leader,
                message: { type: 'auth', id, method, args },
              }),
            ),
          deviceChanged: ({ isOffline }) => {
            this.#isOffline = isOffline
          },
        },
        session.early,
      )
      if (this.#session !== session) {
        await engine.close()
        return
      }
      for (const message of session.early.splice(0)) engine.heard(message)
      session.engine = engine
      this.#isToldOfParts = false
      const wish = this.#offlineWish
      if (wish !== undefined && wish !== device.isOffline) engine.setOffline(wish)
      this.#attach(engine)
      this.#election?.start()
    } catch (thrown) {
      if (this.#session !== session) return
      const error = toCloudError(thrown)
      if (error.details.reason === 'key' || error.code === 'INVALID_PARAM') {
        this.#giveUp(error)
        return
      }
      // what was read was on its way to be something else, or is damaged: whoever leads will say
      this.#platform.clock.after(error.code === 'OFFLINE' ? loadAgainMs : retryMs, () => {
        if (this.#session === session) this.#join()
      })
      if (error.code !== 'STORE_FAILED' && !(error.code === 'OFFLINE' && this.#isToldOfParts))
        this.#events.failed(error)
      this.#isToldOfParts = error.code === 'OFFLINE'
    }
  }

  /** What the others have is in their own memory: each tab for itself. */
  #goAlone(): void {
    this.#session = undefined
    this.#election?.stop()
    this.#channel?.close()
    this.#channel = undefined
    this.#lead()
  }

  // ---- both --------------------------------------------------------------------------------------------------------

  #attach(engine: Engine): void {
    if (this.#isClosed) return
    this.#offlineWish = undefined
    const before = this.#user
    const isOther = before !== undefined && before.slot !== engine.user.slot
    this.#user = engine.user
    if (this.#steady && !isOther) {
      this.#steady.attach(engine)
      return
    }
    if (isOther && this.#steady) this.#userLeaves()
    const steady = new Steady(this.setting, engine)
    this.#steady = steady
    const { instance, files } = steady
    this.#open({ instance, files })
    this.#events.began(instance)
    if (isOther) void this.seat.opening.then(() => this.#events.userChanged(engine.user, instance))
  }

  /** What was asked as this user ends; what is asked from now on is the next one's. */
  #userLeaves(): void {
    const old = this.seat
    this.seat = this.#newSeat()
    this.#steady?.end(
      new CloudError('USER_CHANGED', {
        errMsg: 'another user is the active one on this device now: ask again as that user',
      }),
    )
    this.#steady = undefined
    void old.leave(async () => undefined)
  }

  #newSeat(): Seat {
    return new Seat(
      new Promise((resolve, reject) => {
        this.#open = resolve
        this.#fail = reject
      }),
    )
  }

  /** The data goes; this tab goes on with a new store. */
  async #destroy(leader: Leader): Promise<void> {
    this.#leader = undefined
    this.#steady?.detach()
    this.#leaving = leader.close({ destroy: true }).catch(() => undefined)
    await this.#leaving
    if (!this.#isClosed && this.#election?.isLeading && !this.#leader) this.#lead()
  }

  async #whenWritten(): Promise<void> {
    for (let tries = 0; this.#writes.size > 0 && tries < 40; tries++)
      await new Promise<void>(resolve => this.#platform.clock.after(50, resolve))
  }

  #post(message: Message): void {
    this.#channel?.post(message)
  }
}

function tabLock(tab: string): string {
  return `nearcloud.tab:${tab}`
}

function gone(): CloudError {
  return new CloudError('CLOSED', { errMsg: 'no tab has the connection to the server just now: ask again' })
}

function closed(): CloudError {
  return new CloudError('CLOSED', { errMsg: 'this cloud is closed: init it again' })
}

const loadGuest = () => part('other tabs', import('./guest-engine.ts'))

const retryMs = 100
const loadAgainMs = 2_000
const patienceMs = 5_000
