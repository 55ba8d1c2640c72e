import {
  type AnonymousChoice,
  Device as ClientDevice,
  createAuth,
  type DeviceEvents,
  type OwnInstance,
  type RegisterState,
  signInByTicket,
} from '@nearcloud/client/testing'
import { CloudError } from '@nearcloud/protocol'
import { MemoryMedium, seededRandom } from '@nearcloud/store/testing'
import type { Transport } from '@nearcloud/sync'
import { textRuntime } from '@nearcloud/text/client'
import type { Dice } from '../scenario/dice.ts'
import { type Device, type DeviceOptions, Process } from './device.ts'
import { savedIn } from './device-files.ts'
import type { Lane, Owner } from './schedule.ts'
import {
  placeOf,
  queueNameOf,
  seated,
  seatedCalls,
  seatedFiles,
  setting,
  storeNameOf,
} from './shared-setting.ts'
import { SimStorage } from './sim-storage.ts'
import { Tenant } from './tenant.ts'

/** What the world is told of the users of a shared device. */
export interface SharedDeviceOptions extends Omit<DeviceOptions, 'openid' | 'newest'> {
  readonly dice: Dice
  /** A ticket for one sign-in, from whoever looks at who it is. */
  ticketFor(uid: string): Promise<string>
  /** The register has changed. */
  registered(before: RegisterState, now: RegisterState): void
}

/** A process of the app, whoever is the active user. */
class Life implements Owner {
  readonly name: string
  readonly disks = new Map<MemoryMedium, Lane>()
  readonly processes: Process[] = []
  client!: ClientDevice
  isOver = false

  constructor(name: string) {
    this.name = name
  }
}

/**
 * A device that several people use, one after the other: the client's own register, seats and ways to sign in. `active` is who
 * has it now, or had it when its process died.
 */
export class SharedDevice {
  readonly options: SharedDeviceOptions
  readonly register: MemoryMedium
  /** By slot, all there ever were. */
  readonly tenants = new Map<string, Tenant>()
  active: Tenant
  /** Of users who left the seat: everything asked has to have come to its end. */
  readonly left: Process[] = []
  /** Slots whose data somebody wants to be gone. */
  readonly given = new Set<string>()
  #media = new Map<string, MemoryMedium>()
  /** Files that its app was given. */
  readonly #saved = new Map<string, Uint8Array>()
  #life: Life | undefined
  #known: RegisterState | undefined
  #lives = 0
  /** What is being done about users. */
  #underWay: string | undefined

  constructor(options: SharedDeviceOptions) {
    this.options = options
    this.register = this.#mediumOf(`${setting.storeName}.users`)
    this.active = this.#tenantOf('')
  }

  get state(): RegisterState | undefined {
    return this.#life?.client.state
  }

  /** Can anything be done about users? */
  get isFree(): boolean {
    return this.#underWay === undefined && this.active.live !== undefined
  }

  get isAnonymous(): boolean {
    return this.#life?.client.user?.uid === undefined
  }

  /** Users who are here and not active. */
  get others(): RegisterState['users'] {
    return this.state?.users.filter(({ slot }) => slot !== this.active.slot) ?? []
  }

  /** Is the active user about to be given what an anonymous one had? */
  get isGiven(): boolean {
    const { openid } = this.active.options
    return this.state?.merging.some(({ into }) => into === openid) ?? false
  }

  get isBusy(): boolean {
    return this.#underWay !== undefined
  }

  get isRegisterMeant(): boolean {
    return this.options.dice.below(6) === 0
  }

  isSeated({ store }: Process): boolean {
    return this.#life?.client.seat.instance?.store === store
  }

  diskOf(medium: MemoryMedium): Lane {
    const life = this.#life!
    const lane = life.disks.get(medium) ?? this.options.schedule.lane(`${life.name} disk`, life)
    life.disks.set(medium, lane)
    return lane
  }

  /** All storages of a user, as they are on the medium. */
  recordsOf(slot: string): number {
    return [storeNameOf(slot), queueNameOf(slot)].reduce(
      (sum, each) => sum + (this.#media.get(each)?.records.size ?? 0),
      0,
    )
  }

  boot(): void {
    if (this.#life) return
    const { schedule, name } = this.options
    const life = new Life(`${name}:${++this.#lives}`)
    this.#life = life
    this.active.isDying = false
    for (const medium of this.#media.values()) this.#restart(medium, life)
    schedule.note(`${life.name} boots`)
    const client = new ClientDevice(this.#platformOf(life), setting, Promise.resolve(), this.#eventsOf(life))
    life.client = client
    // what came to nothing was not meant any more
    client.seat.opening.then(
      () => {
        for (const { slot } of client.state!.users) this.given.delete(slot)
      },
      () => undefined,
    )
    client.seat.opening.catch(() => this.#failed(life))
  }

  crash(): void {
    const life = this.#life
    if (!life) return
    const { schedule, network, exchanges } = this.options
    this.active.isDying = false
    this.active.hasCompacted = false
    this.active.process = undefined
    this.#life = undefined
    this.#underWay = undefined
    this.left.length = 0
    life.isOver = true
    for (const owner of [life, ...life.processes]) {
      schedule.drop(owner)
      network.died(owner)
      exchanges.died(owner)
    }
  }

  /** What the register says by now; called between two steps. */
  look(): void {
    const { state } = this
    if (!state || state === this.#known) return
    const before = this.#known
    this.#known = state
    if (before) this.options.registered(before, state)
  }

  /** Somebody signs in by name. `refused`: told when something has to be done before. */
  signIn(uid: string, choice?: AnonymousChoice, refused?: () => void): void {
    const { active } = this
    const { client } = this.#life!
    if (choice === 'discard') this.given.add(active.slot)
    const before = active.slot
    this.#do(
      `sign in ${uid} ${choice ?? ''}`,
      async () => {
        const options = choice ? { anonymousData: choice } : {}
        await signInByTicket(client, () => this.options.ticketFor(uid), options)
        if (choice === 'keep' && this.active.slot !== before) this.options.count('anonymous user kept')
      },
      refused,
    )
  }

  /** The session has ended: the same user comes again. */
  signInAgain(): void {
    const { uid } = this.#life!.client.user!
    if (uid !== undefined && this.active.live?.sync.signInNeeded) this.signIn(uid)
  }

  /** Somebody who is on this device already becomes the active one; by a ticket who has signed out. */
  switchTo(slot: string): void {
    const user = this.state?.users.find(each => each.slot === slot)
    if (!user) return
    if (user.isSealed) this.signIn(user.uid!)
    else this.#do('switch', auth => auth.switchTo(slot === '' ? 'u0' : slot))
  }

  signInAnonymously(): void {
    this.#do('sign in anonymously', auth => auth.signInAnonymously())
  }

  signOut(wipe: boolean): void {
    if (this.#life?.client.user?.uid === undefined) return
    if (wipe) this.given.add(this.active.slot)
    this.#do(wipe ? 'sign out and wipe' : 'sign out', auth => auth.signOut({ wipe }))
  }

  #do(
    what: string,
    act: (auth: ReturnType<typeof createAuth>) => Promise<unknown>,
    refused: () => void = () => undefined,
  ): void {
    const { schedule } = this.options
    const life = this.#life!
    const { client } = life
    this.#underWay = what
    schedule.note(`${life.name}: ${what}`)
    const auth = createAuth({
      device: () => client,
      current: () => client,
      onChanged: () => () => undefined,
      onExpired: () => () => undefined,
    })
    const over = (how: string) => {
      if (life.isOver) return
      schedule.note(`${life.name}: ${what}: ${how}`)
      this.#underWay = undefined
    }
    act(auth).then(
      () => over('done'),
      thrown => {
        const code = thrown instanceof CloudError ? thrown.code : String(thrown)
        over(code)
        if (life.isOver) return
        for (const { slot } of client.state!.users) this.given.delete(slot)
        if (code.startsWith('STORE_')) this.options.count('change of users refused by storage')
        if (!(thrown instanceof CloudError)) throw thrown
        if (code === 'INVALID_PARAM') refused()
        // whose seat cannot be opened again is as good as dead
        client.seat.opening.catch(() => this.#failed(life))
      },
    )
  }

  #failed(life: Life): void {
    if (life.isOver) return
    this.options.schedule.note(`${life.name} did not open`)
    this.crash()
  }

  #eventsOf(life: Life): DeviceEvents {
    const nothing = () => undefined
    const { files, calls } = this.options
    const isAttended = () => !life.isOver && this.active.process !== undefined
    return {
      called: event => {
        if (isAttended()) calls?.called(this.active.process!, event)
      },
      uploaded: ({ sha256 }, error) => {
        if (isAttended()) files?.told(this.active.process!, sha256, error)
      },
      dropped: nothing,
      userChanged: nothing,
      merged: nothing,
      failed: error => {
        if (!life.isOver) this.options.schedule.note(`${life.name} error: ${error.code} ${error.errMsg}`)
      },
      began: instance => {
        if (!life.isOver) this.#began(life, instance as OwnInstance)
      },
    }
  }

  #began(life: Life, { store, sync, queue, uploads }: OwnInstance): void {
    const { client } = life
    const { process: former } = this.active
    this.active.process = undefined
    if (former) this.left.push(former)
    const tenant = this.#tenantOf(client.user!.slot)
    const process = new Process(`${tenant.name}.${++tenant.lives}`)
    life.processes.push(process)
    this.active = tenant
    this.#lastTransport.owner = process
    const { files, calls } = this.options
    if (files || calls) process.queue = queue
    const { seat } = client
    if (files) process.files = { queue, uploads, files: seatedFiles(seat), saved: this.#saved }
    if (calls) process.calls = seatedCalls(seat)
    tenant.begin(process, store, seated(sync, seat))
  }

  #lastTransport: { owner: Owner } = { owner: { name: 'nobody' } }

  #platformOf(life: Life) {
    const { schedule, network, exchanges, calls, seed } = this.options
    const platform: ConstructorParameters<typeof ClientDevice>[0] = {
      name: 'sim',
      clock: schedule.clockOf(life, () => this.active.skewMs),
      random: seededRandom(seed * 1_000 + this.#lives),
      storage: name => {
        const medium = this.#mediumOf(name)
        const { keepsReserve = false } = this.options
        return new SimStorage(medium, this.diskOf(medium), {
          isVolatile: !keepsReserve,
          written: () => undefined,
        })
      },
      transport: (): Transport => {
        const its = { owner: life as Owner }
        this.#lastTransport = its
        return { connect: listener => network.transportOf(its.owner).connect(listener) }
      },
      request: asked => {
        calls?.sent(asked.headers?.['idempotency-key'])
        return exchanges.request(life, asked)
      },
      readFile: async file => file as { bytes: Uint8Array },
      saveTemporary: savedIn(this.#saved),
      text: async () => textRuntime,
    }
    return platform
  }

  #tenantOf(slot: string): Tenant {
    const known = this.tenants.get(slot)
    if (known) return known
    const { options } = this
    const { schedule, network, name, seed, skewMs } = options
    const shared = this
    const {
      exchanges,
      files,
      calls,
      count,
      epoch,
      isSetBack,
      violates,
      check,
      made,
      keepsReserve = false,
    } = options
    const tenant = new Tenant(
      {
        ...{
          schedule,
          network,
          seed,
          skewMs,
          exchanges,
          count,
          epoch,
          isSetBack,
          violates,
          check,
          made,
          keepsReserve,
        },
        name: this.tenants.size === 0 ? name : `${name}/${this.tenants.size}`,
        newest: 0,
        ...(files && { files }),
        ...(calls && { calls }),
        get openid() {
          return shared.#openidOf(slot)
        },
      },
      slot,
      this,
    )
    this.tenants.set(slot, tenant)
    this.#media.set(storeNameOf(slot), tenant.medium)
    if (tenant.waiting) this.#media.set(queueNameOf(slot), tenant.waiting)
    if (this.#life) for (const medium of tenant.media) this.#watch(medium, this.#life)
    return tenant
  }

  #openidOf(slot: string): string | undefined {
    return (this.state ?? this.#known)?.users.find(user => user.slot === slot)?.openid
  }

  #mediumOf(name: string): MemoryMedium {
    const place = placeOf(name)
    const { medium: documents, waiting } = place ? this.#tenantOf(place.slot) : {}
    if (place && !place.isQueue) return documents!
    if (place && waiting) return waiting
    const known = this.#media.get(name)
    if (known) return known
    const medium = new MemoryMedium()
    this.#media.set(name, medium)
    if (this.#life) this.#watch(medium, this.#life)
    return medium
  }

  #restart(medium: MemoryMedium, life: Life): void {
    medium.restart()
    this.#watch(medium, life)
  }

  #watch(medium: MemoryMedium, life: Life): void {
    void medium.stopped.then(() => {
      if (life.isOver) return
      this.options.count('client killed in a storage step')
      this.active.isDying = true
    })
  }

  /** Nothing on any of its media goes wrong any more. */
  clearFaults(): void {
    for (const medium of this.#media.values()) {
      medium.clearFault()
      medium.room = Number.POSITIVE_INFINITY
    }
  }
}

export function isShared(device: Device): device is Tenant {
  return device instanceof Tenant
}
