import { randomBytes } from 'node:crypto'
import type { Wx } from '../wx-host.ts'
import { keyRefusal, keysInfo, type Launched, Phone, type PhoneOptions } from './phone.ts'
import { dead, wxLimits } from './phone-disk.ts'
import { phoneFiles } from './phone-files.ts'
import { type CallbackOptions, MiniProcess, wxManner } from './process.ts'
import { checkOptions, strict } from './strict.ts'
import { WxNetwork } from './wx-network.ts'

export type WxPhoneOptions = PhoneOptions

type WxWithCloud = Wx & { readonly cloud: object }

/**
 * A phone with WeChat and one mini program on it: a strict double of `wx`. It has what the host has, with its limits, its
 * asynchrony and its error texts, and throws on anything else.
 */
export class WxPhone extends Phone<WxWithCloud> {
  readonly #options: WxPhoneOptions
  protected readonly networkTypes = ['wifi', 'none'] as const
  protected readonly albumPath = 'http://tmp'

  constructor(options: WxPhoneOptions = {}) {
    super(options, wxLimits)
    this.#options = options
  }

  /** What the run that goes on has. */
  get wx(): WxWithCloud {
    return this.host
  }

  protected begin(): Launched<WxWithCloud> {
    const process = new MiniProcess(wxManner)
    const network = new WxNetwork(process)
    const files = phoneFiles(this.disk, process, root, {
      mostRead: 100 * 1_048_576,
      mostWritten: Number.POSITIVE_INFINITY,
      done: {},
      read: data => ({ data }),
    })
    const members = {
      env: strict('wx.env', { USER_DATA_PATH: root }),
      cloud: this.#options.cloud ?? { init: () => undefined },
      getFileSystemManager: () => files,
      ...this.#keys(process),
      connectSocket: network.connectSocket,
      request: network.request,
      getRandomValues: (options: CallbackOptions) => {
        checkOptions('getRandomValues', options, { needed: ['length'] })
        const length = Number(options.length)
        process.answer('getRandomValues', options, () => {
          if (length > 1_048_576) throw new Error('length is too large')
          return { randomValues: new Uint8Array(randomBytes(length)).buffer }
        })
      },
      login: (options: CallbackOptions) => {
        checkOptions('login', options, { optional: ['timeout'] })
        process.answer('login', options, () => {
          if (!this.isOnline) throw new Error('request:fail ')
          return { code: this.nextCode() }
        })
      },
      chooseMedia: (options: CallbackOptions) => {
        checkOptions('chooseMedia', options, {
          optional: ['count', 'mediaType', 'sourceType', 'sizeType', 'maxDuration', 'camera'],
        })
        process.answer('chooseMedia', options, () => {
          const tempFilePath = this.chosen()
          if (tempFilePath === undefined) throw new Error('cancel')
          return {
            type: 'image',
            tempFiles: [{ tempFilePath, size: this.read(tempFilePath)?.length ?? 0 }],
          }
        })
      },
      chooseImage: (options: CallbackOptions) => {
        checkOptions('chooseImage', options, { optional: ['count', 'sizeType', 'sourceType'] })
        process.answer('chooseImage', options, () => {
          const path = this.chosen()
          if (path === undefined) throw new Error('cancel')
          return { tempFilePaths: [path], tempFiles: [{ path, size: this.read(path)?.length ?? 0 }] }
        })
      },
      showToast: (options: CallbackOptions) => {
        checkOptions('showToast', options, {
          needed: ['title'],
          optional: ['icon', 'image', 'duration', 'mask'],
        })
        this.toasts.push(String(options.title))
      },
      ...this.events(),
    }
    for (const name of this.#options.without ?? []) Object.assign(members, { [name]: undefined })
    return { host: strict('wx', members) as unknown as WxWithCloud, process, network }
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
        const refusal = keyRefusal(disk, key, data)
        if (refusal === 'value') throw new Error('setStorageSync:fail:entry size limit reached')
        if (refusal) throw new Error('setStorageSync:fail exceed storage max size 10Mb')
        disk.step(() => void disk.keys.set(key, data))
      },
      removeStorageSync(key: string) {
        living()
        checkKey('removeStorageSync', key)
        disk.step(() => void disk.keys.delete(key))
      },
      getStorageInfoSync() {
        living()
        return keysInfo(disk)
      },
    }
  }
}

function checkKey(api: string, key: unknown): void {
  if (typeof key !== 'string' || key === '')
    throw new Error(`${api}:fail parameter error: key should be String`)
}

const root = 'http://usr'
