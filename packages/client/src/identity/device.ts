import { CloudError, toCloudError, toHex } from '@nearcloud/protocol'
import { openStore } from '@nearcloud/store'
import type { Transport } from '@nearcloud/sync'
import type { Setting } from '../init-options.ts'
import {
  filesOf,
  type Instance,
  type InstanceEvents,
  type OwnInstance,
  openInstance,
  type Undecided,
} from '../instance.ts'
import { laterFiles, loadFiles } from '../later-files.ts'
import type { Platform } from '../platform.ts'
import { transportFor } from '../transport.ts'
import { loadWaysIn } from './load-ways-in.ts'
import { type DeviceUser, Register, type RegisterState } from './register.ts'
import { type Opening, Seat } from './seat.ts'

export interface DeviceEvents extends Omit<InstanceEvents, 'isHeldOffline'> {
  /** A user's conversation is about to begin. */
  began(instance: Instance): void
  /** Another user is the active one. */
  userChanged(user: DeviceUser, instance: Instance): void
  /** What an anonymous user owned on the server is this user's. */
  merged(result: Merged): void
}

/** What changed its owner on the server, and what could not, because a unique index would hold two of a key. */
export interface Merged {
  readonly documents: number
  readonly left: number
}

/** Who comes next, and what of the register changes with it. */
export interface Next {
  readonly user: DeviceUser
  /** A session token that is new here. */
  readonly token?: string
  /**
   * What else changes in the register, besides who is active. Asked when everything of the user before is durable; what it
   * throws is why there is no switch.
   */
  readonly change?: (state: RegisterState, left: Undecided) => Partial<RegisterState>
}

/**
 * One `init` on a device with its users: a register that says who is active, a store for each user, and the seat of the active
 * one. A switch closes the one's store, opens the other's and writes the register; until that is durable the one before
 * is active, whatever happens.
 */
export class Device {
  readonly platform: Platform
  readonly setting: Setting
  isOfflineByChoice = false
  seat: Seat<OwnInstance>
  readonly #events: DeviceEvents
  #register: Register | undefined
  #isClosed = false
  #tellClosing: (error: CloudError) => void = () => undefined
  readonly #closing = new Promise<never>((_, reject) => {
    this.#tellClosing = reject
  })
  /** One thing about users at a time. */
  #last: Promise<unknown>
  #mergingNow: Promise<void> = Promise.resolve()
  #tidying: Promise<void> = Promise.resolve()
  #signingIn: Promise<void> | undefined
  /** The slot whose store is being opened for the next user. */
  #preparing: string | undefined
  readonly #waiting = new Map<string, { resolve(merged: Merged): void; reject(error: CloudError): void }>()

  /** `previous` may hold the very stores this one wants. */
  constructor(platform: Platform, setting: Setting, previous: Promise<unknown>, events: DeviceEvents) {
    this.platform = platform
    this.setting = setting
    this.#events = events
    const opening = previous.then(() => this.#open())
    this.#closing.catch(() => undefined)
    this.seat = new Seat(opening)
    this.#last = opening.catch(() => undefined)
  }

  /** The users of this device. Undefined before the register is open. */
  get state(): RegisterState | undefined {
    return this.#register?.state
  }

  get user(): DeviceUser | undefined {
    return this.#register?.user
  }

  /** Does something about users when what was asked before it is done. */
  inTurn<T>(work: (register: Register) => Promise<T>): Promise<T> {
    const result = this.#last.then(async () => {
      await this.seat.opening
      if (this.#isClosed) throw closed()
      return work(this.#register!)
    })
    this.#last = result.catch(() => undefined)
    return result
  }

  /** A way to the server, for a conversation of its own. */
  newTransport(): Transport {
    return transportFor(this.platform, this.setting)
  }

  /**
   * Makes another user the active one, in turn. Rejects with what storage says: then the user before is active, with all there
   * was. Gives what the user before had undecided.
   */
  async become(next: Next): Promise<Undecided> {
    await this.#tidying
    const register = this.#register!
    const before = register.user
    const { slot } = next.user
    const isNew = !register.state.users.some(user => user.slot === slot)
    let left: Undecided = { writes: 0, files: 0, calls: 0, rejections: 0 }
    let opening: Opening<OwnInstance> | undefined
    let isLeft = false
    this.#preparing = slot
    try {
      // if it comes to nothing, it is removed
      if (isNew) await register.write(({ wiping }) => ({ wiping: [...wiping, slot] }))
      isLeft = true
      await this.seat.leave(async instance => {
        left = await instance.close().catch((thrown: unknown) => {
          this.#events.failed(toCloudError(thrown)) // what was told to be durable is
          return instance.undecided
        })
      })
      opening = await this.#openUser(next.user, next.token)
      await register.write(state => {
        const { users, wiping, sealing } = state
        const changed: RegisterState = {
          ...state,
          users: isNew ? [...users, next.user] : users.map(user => (user.slot === slot ? next.user : user)),
          wiping: wiping.filter(each => each !== slot),
          sealing: sealing.filter(each => each !== slot),
          active: slot,
        }
        return { ...changed, ...next.change?.(changed, left) }
      })
    } catch (thrown) {
      await opening?.instance.close().catch(() => undefined)
      this.#preparing = undefined
      if (isLeft) await this.#return(before)
      else this.seat.resume()
      throw thrown
    }
    this.#preparing = undefined
    this.seat = new Seat(Promise.resolve(opening))
    await this.seat.opening
    this.#begin(opening.instance)
    await this.#tidy()
    this.#events.userChanged(next.user, opening.instance)
    return left
  }

  /** Waits for something that nothing here depends on: `close` does not wait with it. */
  unlessClosed<T>(coming: Promise<T>): Promise<T> {
    coming.catch(() => undefined)
    return Promise.race([coming, this.#closing])
  }

  /** A user this device has not had. */
  newSlot(): string {
    return `u${toHex(this.platform.random(6))}`
  }

  /** What became of a merger that was begun; it may take until there is a network. */
  mergerOf(slot: string): Promise<Merged> {
    return new Promise((resolve, reject) => this.#waiting.set(slot, { resolve, reject }))
  }

  /** `destroy` removes the data of the active user, and leaves that of others. */
  async close(options: { destroy?: boolean } = {}): Promise<void> {
    const work = this.#last
    this.#isClosed = true
    this.#tellClosing(closed())
    await work
    const opening = await this.seat.opening.catch(() => undefined) // what never opened holds nothing
    const register = this.#register
    if (!opening) return register?.close().catch(() => undefined)
    this.seat.instance = undefined
    try {
      const { users, wiping, merging } = register!.state
      const isLast = users.length === 1 && wiping.length === 0 && merging.length === 0
      if (options.destroy && !isLast) await this.#forgetActive(register!)
      await opening.instance.close(options)
      if (options.destroy && !isLast) await this.#tidy()
      await register!.close(options.destroy && isLast ? { destroy: true } : {})
    } catch (thrown) {
      await register!.close().catch(() => undefined)
      throw thrown
    }
  }

  async #open(): Promise<Opening<OwnInstance>> {
    const { durability, storeName } = this.setting
    const register = await Register.open(this.platform.storage(`${storeName}.users`), durability)
    try {
      this.#register = register
      await this.#tidy()
      const opening = await this.#asKnown(await this.#openUser(register.user))
      this.#begin(opening.instance)
      return opening
    } catch (thrown) {
      this.#register = undefined
      await register.close().catch(() => undefined)
      throw thrown
    }
  }

  /** A device that nobody has used yet begins as whom the host knows. */
  async #asKnown(opening: Opening<OwnInstance>): Promise<Opening<OwnInstance>> {
    if (!this.platform.ticket) return opening
    const waysIn = await loadWaysIn().catch(() => undefined)
    const known = await waysIn?.firstUser(this, opening.instance)
    if (!known) return opening
    const register = this.#register!
    const { uid, openid, token } = known
    const user: DeviceUser = { ...register.user, uid, openid }
    await opening.instance.close()
    await register.write(() => ({ users: [user] }))
    return this.#openUser(user, token)
  }

  async #openUser(user: DeviceUser, token?: string): Promise<Opening<OwnInstance>> {
    const instance = await openInstance(
      this.platform,
      this.setting,
      {
        storeName: this.#storeName(user.slot),
        ...(user.uid !== undefined && user.openid !== undefined && { openid: user.openid }),
        ...(token !== undefined && { token }),
      },
      { ...this.#events, isHeldOffline: () => this.isOfflineByChoice },
    )
    const files = laterFiles(async () => {
      const { Files } = await loadFiles()
      return new Files(instance, this.platform)
    })
    return { instance, files }
  }

  #begin(instance: OwnInstance): void {
    this.#events.began(instance)
    instance.sync.on('online', () => {
      this.#mergingNow = this.#mergingNow.then(() => this.#merge(instance))
      this.#signInKnown()
    })
    instance.sync.on('signInNeeded', () => this.#signInKnown())
    instance.start()
  }

  #signInKnown(): void {
    if (!this.platform.ticket) return
    this.#signingIn ??= loadWaysIn()
      .then(
        ({ signInKnown }) => signInKnown(this, error => this.#events.failed(error)),
        () => undefined, // it is tried with the next connection
      )
      .finally(() => {
        this.#signingIn = undefined
      })
  }

  /** The switch failed: back to the one who was there. */
  async #return(before: DeviceUser): Promise<void> {
    this.seat = new Seat(this.#openUser(before))
    await this.seat.opening.then(
      ({ instance }) => this.#begin(instance),
      () => undefined, // whoever needs it is told
    )
    await this.#tidy()
  }

  async #forgetActive(register: Register): Promise<void> {
    await register.write(({ active, users, wiping }) => {
      const others = users.filter(({ slot }) => slot !== active)
      const anonymous = others.find(({ uid }) => uid === undefined)
      const next = anonymous ?? { slot: this.newSlot() }
      return {
        active: next.slot,
        users: anonymous ? others : [...others, next],
        wiping: [...wiping, active],
      }
    })
  }

  /** Removes the data and the tokens that are to be removed; what cannot be is tried again at the next start. */
  #tidy(): Promise<void> {
    this.#tidying = this.#tidying.then(async () => {
      const { state } = this.#register!
      const isIdle = (slot: string) => slot !== this.#preparing
      const wiped = await this.#each(state.wiping.filter(isIdle), name => this.#wipe(name))
      const sealed = await this.#each(state.sealing.filter(isIdle), name => this.#seal(name))
      if (wiped.length + sealed.length === 0) return
      await this.#register!.write(({ wiping, sealing }) => ({
        wiping: wiping.filter(slot => !wiped.includes(slot)),
        sealing: sealing.filter(slot => !sealed.includes(slot)),
      })).catch((thrown: unknown) => this.#events.failed(toCloudError(thrown)))
    })
    return this.#tidying
  }

  /** Those it could be done for. */
  async #each(slots: readonly string[], work: (storeName: string) => Promise<void>): Promise<string[]> {
    const done: string[] = []
    for (const slot of slots)
      await work(this.#storeName(slot)).then(
        () => done.push(slot),
        (thrown: unknown) => this.#events.failed(toCloudError(thrown)),
      )
    return done
  }

  async #wipe(storeName: string): Promise<void> {
    for (const name of [storeName, filesOf(storeName)]) {
      const storage = this.platform.storage(name)
      await storage.open({ durability: this.setting.durability })
      await storage.close({ destroy: true })
    }
  }

  async #seal(storeName: string): Promise<void> {
    const store = await openStore({ storage: this.platform.storage(storeName), random: this.platform.random })
    try {
      await store.confirm({ checkpoint: { token: undefined } })
      await store.compact()
    } finally {
      await store.close()
    }
  }

  /** Asks for the mergers into this user. */
  async #merge(instance: OwnInstance): Promise<void> {
    const register = this.#register!
    if (this.seat.instance !== instance) return
    const { openid } = register.user
    for (const { slot, token, into } of register.state.merging) {
      if (into !== openid) continue
      try {
        const result = await instance.sync.merge(token)
        await register.write(({ merging, wiping }) => ({
          merging: merging.filter(each => each.slot !== slot),
          wiping: [...wiping, slot],
        }))
        await this.#tidy()
        this.#events.merged(result)
        this.#waiting.get(slot)?.resolve(result)
      } catch (thrown) {
        const error = toCloudError(thrown)
        if (isPassing(error)) return
        // the server will not: the anonymous user stays on this device, with what it has
        await register
          .write(({ merging, users }) => ({
            merging: merging.filter(each => each.slot !== slot),
            users: [...users, { slot }],
          }))
          .catch(() => undefined)
        this.#events.failed(error)
        this.#waiting.get(slot)?.reject(error)
      }
    }
  }

  #storeName(slot: string): string {
    return storeNameOf(this.setting, slot)
  }
}

/** Names the storages of a user. */
export function storeNameOf({ storeName }: Setting, slot: string): string {
  return slot === '' ? storeName : `${storeName}.${slot}`
}

function closed(): CloudError {
  return new CloudError('CLOSED', { errMsg: 'this cloud is closed: init it again' })
}

/** Worth asking again with the next connection. */
function isPassing({ code }: CloudError): boolean {
  return !['TOKEN_REFUSED', 'INVALID_PARAM'].includes(code)
}
