import { randomBytes } from 'node:crypto'
import type { Wx } from '../wx-host.ts'
import { type DiskLimits, dead, PhoneDisk } from './phone-disk.ts'
import { MiniProcess } from './process.ts'
import { checkOptions, strict } from './strict.ts'
import { wxFiles } from './wx-files.ts'
import { WxNetwork } from './wx-network.ts'

export interface WxPhoneOptions {
  readonly limits?: Partial<DiskLimits>
  /** Whom `wx.login` names: the codes it gives begin with it. */
  readonly user?: string
  /** Functions that this phone's base library is too old for. */
  readonly without?: readonly string[]
  /** What an app may have put into the global object of its own. */
  readonly cloud?: object
}

type Options = { success?(result: object): void; fail?(error: object): void; [name: string]: unknown }

/**
 * A phone with WeChat and one mini program on it: a strict double of `wx`. It has what the host has, with its limits, its
 * asynchrony and its error texts, and throws on anything else. `disk` outlives the runs of the mini program.
 */
export class WxPhone {
  readonly disk: PhoneDisk
  readonly #options: WxPhoneOptions
  #process: MiniProcess | undefined
  #network: WxNetwork | undefined
  #shown: (() => void)[] = []
  #hidden: (() => void)[] = []
  #networkChanged: ((state: { isConnected: boolean; networkType: string }) => void)[] = []
  #wx: (Wx & { readonly cloud: object }) | undefined
  #whenKilled: (() => void)[] = []
  #chosen: string[] = []
  /** What `showToast` said. */
  readonly toasts: string[] = []
  #isOnline = true
  #codes = 0

  constructor(options: WxPhoneOptions = {}) {
    this.#options = options
    this.disk = new PhoneDisk(options.limits)
  }

  /** Begins a run of the mini program; the one before is dead. */
  launch(): Wx & { readonly cloud: object } {
    this.kill()
    const process = new MiniProcess()
    const network = new WxNetwork(process)
    this.#process = process
    this.#network = network
    if (!this.#isOnline) network.refuse('fail ')
    this.disk.heldBy(() => this.kill())
    const files = wxFiles(this.disk, process, root)
    const members = {
      env: strict('wx.env', { USER_DATA_PATH: root }),
      cloud: this.#options.cloud ?? { init: () => undefined },
      getFileSystemManager: () => files,
      ...this.#keys(process),
      connectSocket: network.connectSocket,
      request: network.request,
      getRandomValues: (options: Options) => {
        checkOptions('getRandomValues', options, { needed: ['length'] })
        const length = Number(options.length)
        process.answer('getRandomValues', options, () => {
          if (length > 1_048_576) throw new Error('length is too large')
          return { randomValues: new Uint8Array(randomBytes(length)).buffer }
        })
      },
      login: (options: Options) => {
        checkOptions('login', options, { optional: ['timeout'] })
        process.answer('login', options, () => {
          if (!this.#isOnline) throw new Error('request:fail ')
          return { code: `${this.#options.user ?? 'somebody'}-${++this.#codes}` }
        })
      },
      chooseMedia: (options: Options) => {
        checkOptions('chooseMedia', options, {
          optional: ['count', 'mediaType', 'sourceType', 'sizeType', 'maxDuration', 'camera'],
        })
        process.answer('chooseMedia', options, () => {
          const chosen = this.#chosen.shift()
          if (chosen === undefined) throw new Error('cancel')
          return {
            type: 'image',
            tempFiles: [{ tempFilePath: chosen, size: this.read(chosen)?.length ?? 0 }],
          }
        })
      },
      showToast: (options: Options) => {
        checkOptions('showToast', options, {
          needed: ['title'],
          optional: ['icon', 'image', 'duration', 'mask'],
        })
        this.toasts.push(String(options.title))
      },
      onAppShow: (listener: () => void) => void this.#shown.push(listener),
      offAppShow: (listener: () => void) => void remove(this.#shown, listener),
      onAppHide: (listener: () => void) => void this.#hidden.push(listener),
      offAppHide: (listener: () => void) => void remove(this.#hidden, listener),
      onNetworkStatusChange: (listener: never) => void this.#networkChanged.push(listener),
      offNetworkStatusChange: (listener: never) => void remove(this.#networkChanged, listener),
    }
    for (const name of this.#options.without ?? []) Object.assign(members, { [name]: undefined })
    this.#wx = strict('wx', members) as unknown as Wx & { readonly cloud: object }
    return this.#wx
  }

  /** What the run that goes on has. */
  get wx(): Wx & { readonly cloud: object } {
    return this.#wx ?? this.launch()
  }

  /** Called once, when the run that goes on ends. */
  whenKilled(listener: () => void): void {
    this.#whenKilled.push(listener)
  }

  /** The system ends the mini program, without a word. */
  kill(): void {
    this.#process?.die()
    this.#wx = undefined
    for (const listener of this.#whenKilled.splice(0)) listener()
    this.#shown = []
    this.#hidden = []
    this.#networkChanged = []
  }

  /** The user looks at something else, and five seconds have passed: sockets are gone, and nothing is called back. */
  toBackground(): void {
    for (const listener of this.#hidden) this.#process?.now(listener)
    this.#network?.cut('interrupted')
    this.#process?.freeze()
  }

  toForeground(): void {
    this.#process?.thaw()
    for (const listener of this.#shown) this.#process?.later(listener)
  }

  /** A lift, a tunnel. */
  goOffline(): void {
    this.#isOnline = false
    this.#network?.refuse('fail ')
    this.#tellNetwork()
  }

  goOnline(): void {
    this.#isOnline = true
    this.#network?.allow()
    this.#tellNetwork()
  }

  get network(): Pick<WxNetwork, 'asked' | 'openSockets' | 'bytesSent' | 'bytesReceived' | 'cut'> {
    return this.#network!
  }

  /** What is in a file the mini program can read. */
  read(path: string): Uint8Array | undefined {
    return this.disk.files.get(path)
  }

  /** Puts a file where a camera or an album would. */
  take(name: string, bytes: Uint8Array): string {
    const path = `http://tmp/${name}`
    this.disk.files.set(path, bytes)
    return path
  }

  /** The user chooses this file the next time `chooseMedia` asks. */
  choose(path: string): void {
    this.#chosen.push(path)
  }

  #tellNetwork(): void {
    const state = { isConnected: this.#isOnline, networkType: this.#isOnline ? 'wifi' : 'none' }
    for (const listener of this.#networkChanged) this.#process?.later(() => listener(state))
  }

  #keys(process: MiniProcess) {
    const { disk } = this
    const living = () => {
      if (!process.isAlive) throw dead
    }
    return {
      getStorageSync(key: string) {
        living()
        checkKey('getStorageSync', key)
        return disk.keys.get(key) ?? ''
      },
      setStorageSync(key: string, data: unknown) {
        living()
        checkKey('setStorageSync', key)
        if (typeof data !== 'string') throw new Error('the double of setStorageSync takes a String')
        let others = 0
        for (const [name, text] of disk.keys) if (name !== key) others += name.length + text.length
        if (data.length > disk.limits.keyUnits)
          throw new Error('setStorageSync:fail:entry size limit reached')
        if (others + key.length + data.length > disk.limits.keysUnits)
          throw new Error('setStorageSync:fail exceed storage max size 10Mb')
        disk.step(() => void disk.keys.set(key, data))
      },
      removeStorageSync(key: string) {
        living()
        checkKey('removeStorageSync', key)
        disk.step(() => void disk.keys.delete(key))
      },
      getStorageInfoSync() {
        living()
        const units = [...disk.keys].reduce((sum, [key, text]) => sum + key.length + text.length, 0)
        return {
          keys: [...disk.keys.keys()],
          currentSize: Math.ceil(units / 1_024),
          limitSize: disk.limits.keysUnits / 1_024,
        }
      },
    }
  }
}

function checkKey(api: string, key: unknown): void {
  if (typeof key !== 'string' || key === '')
    throw new Error(`${api}:fail parameter error: key should be String`)
}

function remove<Item>(list: Item[], item: Item): void {
  const at = list.indexOf(item)
  if (at >= 0) list.splice(at, 1)
}

const root = 'http://usr'
