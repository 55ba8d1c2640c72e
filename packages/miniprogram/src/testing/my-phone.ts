import type { My } from '../my-host.ts'
import { MyFailure, myManner } from './my-manner.ts'
import { MyNetwork } from './my-network.ts'
import { keyRefusal, keysInfo, type Launched, Phone, type PhoneOptions } from './phone.ts'
import { broken, dead, full, myLimits } from './phone-disk.ts'
import { phoneFiles } from './phone-files.ts'
import { type CallbackOptions, MiniProcess } from './process.ts'
import { checkOptions, strict } from './strict.ts'

export interface MyPhoneOptions extends PhoneOptions {
  /** A base library before 2.3.1: one socket, with events of `my` itself. */
  readonly hasOneSocket?: boolean
}

type MyWithCloud = My & { readonly cloud: object }

/**
 * A phone with Alipay and one mini program on it: a strict double of `my`. It has what the host has, with its limits, its asynchrony,
 * its numbers and its words, and throws on anything else. Functions answer by callbacks only.
 */
export class MyPhone extends Phone<MyWithCloud> {
  readonly #options: MyPhoneOptions
  protected readonly networkTypes = ['WIFI', 'NOTREACHABLE'] as const
  protected readonly albumPath = 'https://resource'

  constructor(options: MyPhoneOptions = {}) {
    super(options, myLimits)
    this.#options = options
  }

  /** What the run that goes on has. */
  get my(): MyWithCloud {
    return this.host
  }

  protected begin(): Launched<MyWithCloud> {
    const process = new MiniProcess(myManner)
    const network = new MyNetwork(process, { knowsTasks: !this.#options.hasOneSocket })
    const files = phoneFiles(this.disk, process, root, {
      mostRead: Number.POSITIVE_INFINITY,
      mostWritten: 10 * 1_048_576,
      done: { success: true },
      read: data => ({ data, dataType: typeof data === 'string' ? 'string' : 'arraybuffer' }),
    })
    const members = {
      env: strict('my.env', { USER_DATA_PATH: root, clientName: 'ap' }),
      cloud: this.#options.cloud ?? strict('my.cloud', { createCloudContext: () => ({}) }),
      getFileSystemManager: () => files,
      ...this.#keys(process),
      connectSocket: network.connectSocket,
      ...network.single(),
      request: network.request,
      getAuthCode: (options: CallbackOptions = {}) => {
        checkOptions('getAuthCode', options, { optional: ['scopes'] })
        process.answer('getAuthCode', options, () => {
          if (!this.isOnline) throw new MyFailure(12, '网络异常')
          return { authCode: this.nextCode(), authErrorScopes: {}, authSuccessScopes: ['auth_base'] }
        })
      },
      chooseImage: (options: CallbackOptions = {}) => {
        checkOptions('chooseImage', options, {
          optional: ['count', 'sizeType', 'sourceType', 'storeToAlbum'],
        })
        process.answer('chooseImage', options, () => {
          const path = this.chosen()
          if (path === undefined) throw new MyFailure(11, '用户取消操作')
          const tempFiles = [{ path, size: this.read(path)?.length ?? 0 }]
          return { apFilePaths: [path], tempFilePaths: [path], tempFiles }
        })
      },
      showToast: (options: CallbackOptions = {}) => {
        checkOptions('showToast', options, {
          optional: ['content', 'type', 'duration', 'delay', 'xOffset', 'yOffset'],
        })
        this.toasts.push(String(options.content))
      },
      ...this.events(),
    }
    for (const name of this.#options.without ?? []) Object.assign(members, { [name]: undefined })
    return { host: strict('my', members) as unknown as MyWithCloud, process, network }
  }

  #keys(process: MiniProcess) {
    const { disk } = this
    const keyOf = (api: string, options: unknown, needed: readonly string[] = ['key']) => {
      if (!process.isAlive) throw dead
      checkOptions(api, options, { needed })
      const { key } = options as { key: unknown }
      if (typeof key !== 'string' || key === '') throw new Error(`${api}: key should be a String`)
      return key
    }
    /** Changes are made or not; what went wrong is in the answer. */
    const changed = (change: () => void) => {
      try {
        disk.step(change)
        return { success: true }
      } catch (thrown) {
        if (thrown === full) return noRoom
        if (thrown === broken) return { success: false, error: 3, errorMessage: '未知错误' }
        throw thrown
      }
    }
    return {
      getStorageSync: (options: object) => ({
        data: disk.keys.get(keyOf('getStorageSync', options)) ?? null,
      }),
      setStorageSync: (options: object) => {
        const key = keyOf('setStorageSync', options, ['key', 'data'])
        const { data } = options as { data: unknown }
        if (typeof data !== 'string') throw new Error('the double of setStorageSync takes a String')
        const refusal = keyRefusal(disk, key, data)
        if (refusal === 'value')
          return { success: false, error: 14, errorMessage: 'data size exceed limit 200KB' }
        if (refusal) return noRoom
        return changed(() => void disk.keys.set(key, data))
      },
      removeStorageSync: (options: object) => {
        const key = keyOf('removeStorageSync', options)
        return changed(() => void disk.keys.delete(key))
      },
      getStorageInfoSync: () => {
        if (!process.isAlive) throw dead
        return keysInfo(disk)
      },
    }
  }
}

const noRoom = { success: false, error: 14, errorMessage: 'storage size exceed limit 10MB' }
const root = 'https://usr'
