import { type DiskLimits, PhoneDisk } from './phone-disk.ts'
import type { PhoneNetwork } from './phone-network.ts'
import type { MiniProcess } from './process.ts'

export interface PhoneOptions {
  readonly limits?: Partial<DiskLimits>
  /** Whom the host's login names: the codes it gives begin with it. */
  readonly user?: string
  /** Functions that this phone's base library is too old for. */
  readonly without?: readonly string[]
  /** What an app may have put into the global object of its own. */
  readonly cloud?: object
}

/** What one run of a mini program has. */
export interface Launched<Host> {
  readonly host: Host
  readonly process: MiniProcess
  readonly network: PhoneNetwork
}

/**
 * A phone with one mini program on it, whatever its host: what users and systems do to it. `disk` outlives the runs of the mini
 * program.
 */
export abstract class Phone<Host extends object> {
  readonly disk: PhoneDisk
  /** What toasts said. */
  readonly toasts: string[] = []
  readonly #user: string
  #launched: Launched<Host> | undefined
  #shown: ((given: object) => void)[] = []
  #hidden: ((given: object) => void)[] = []
  #networkChanged: ((state: { isConnected: boolean; networkType: string }) => void)[] = []
  #whenKilled: (() => void)[] = []
  #chosen: string[] = []
  #isOnline = true
  #codes = 0

  constructor({ limits = {}, user = 'somebody' }: PhoneOptions, hostLimits: DiskLimits) {
    this.disk = new PhoneDisk({ ...hostLimits, ...limits })
    this.#user = user
  }

  /** Makes what a run begins with. */
  protected abstract begin(): Launched<Host>
  /** How the host names having a network, and having none. */
  protected abstract readonly networkTypes: readonly [online: string, offline: string]
  /** Where a camera or an album puts its files. */
  protected abstract readonly albumPath: string

  /** Begins a run of the mini program; the one before is dead. */
  launch(): Host {
    this.kill()
    this.#launched = this.begin()
    if (!this.#isOnline) this.#launched.network.refuse('fail ')
    this.disk.heldBy(() => this.kill())
    return this.#launched.host
  }

  /** What the run that goes on has. */
  protected get host(): Host {
    return this.#launched?.process.isAlive ? this.#launched.host : this.launch()
  }

  /** Called once, when the run that goes on ends. */
  whenKilled(listener: () => void): void {
    this.#whenKilled.push(listener)
  }

  /** The system ends the mini program, without a word. */
  kill(): void {
    this.#launched?.process.die()
    for (const listener of this.#whenKilled.splice(0)) listener()
    this.#shown = []
    this.#hidden = []
    this.#networkChanged = []
  }

  /** The user looks at something else, and five seconds have passed: sockets are gone, and nothing is called back. */
  toBackground(): void {
    for (const listener of this.#hidden) this.#launched?.process.now(() => listener({}))
    this.#launched?.network.cut('interrupted')
    this.#launched?.process.freeze()
  }

  toForeground(): void {
    this.#launched?.process.thaw()
    for (const listener of this.#shown) this.#launched?.process.later(() => listener({}))
  }

  /** A lift, a tunnel. */
  goOffline(): void {
    this.#isOnline = false
    this.#launched?.network.refuse('fail ')
    this.#tellNetwork()
  }

  goOnline(): void {
    this.#isOnline = true
    this.#launched?.network.allow()
    this.#tellNetwork()
  }

  get isOnline(): boolean {
    return this.#isOnline
  }

  get network(): Pick<
    PhoneNetwork,
    'asked' | 'openSockets' | 'bytesSent' | 'bytesReceived' | 'cut' | 'refuseSockets'
  > {
    return this.#launched!.network
  }

  /** What is in a file the mini program can read. */
  read(path: string): Uint8Array | undefined {
    return this.disk.files.get(path)
  }

  /** Puts a file where a camera or an album would. */
  take(name: string, bytes: Uint8Array): string {
    const path = `${this.albumPath}/${name}`
    this.disk.files.set(path, bytes)
    return path
  }

  /** The user chooses this file the next time a picture is asked for. */
  choose(path: string): void {
    this.#chosen.push(path)
  }

  /** Undefined: the user has turned away. */
  protected chosen(): string | undefined {
    return this.#chosen.shift()
  }

  protected nextCode(): string {
    return `${this.#user}-${++this.#codes}`
  }

  /** The host's events of the app and its network, by their names in every host. */
  protected events() {
    return {
      onAppShow: (listener: () => void) => void this.#shown.push(listener),
      offAppShow: (listener: () => void) => void remove(this.#shown, listener),
      onAppHide: (listener: () => void) => void this.#hidden.push(listener),
      offAppHide: (listener: () => void) => void remove(this.#hidden, listener),
      onNetworkStatusChange: (listener: never) => void this.#networkChanged.push(listener),
      offNetworkStatusChange: (listener: never) => void remove(this.#networkChanged, listener),
    }
  }

  #tellNetwork(): void {
    const [online, offline] = this.networkTypes
    const state = { isConnected: this.#isOnline, networkType: this.#isOnline ? online : offline }
    for (const listener of this.#networkChanged) this.#launched?.process.later(() => listener(state))
  }
}

/** Why a value cannot be kept under a key; undefined when it can. */
export function keyRefusal(disk: PhoneDisk, key: string, data: string): 'value' | 'all' | undefined {
  if (data.length > disk.limits.keyUnits) return 'value'
  let others = 0
  for (const [name, text] of disk.keys) if (name !== key) others += name.length + text.length
  return others + key.length + data.length > disk.limits.keysUnits ? 'all' : undefined
}

/** What hosts tell of their keys. */
export function keysInfo({ keys, limits }: PhoneDisk) {
  const units = [...keys].reduce((sum, [key, text]) => sum + key.length + text.length, 0)
  return {
    keys: [...keys.keys()],
    currentSize: Math.ceil(units / 1_024),
    limitSize: limits.keysUnits / 1_024,
  }
}

function remove<Item>(list: Item[], item: Item): void {
  const at = list.indexOf(item)
  if (at >= 0) list.splice(at, 1)
}
