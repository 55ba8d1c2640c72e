import { decodeTrusted, errorFromData } from '@nearcloud/protocol'
import type { LoggedGroup } from '@nearcloud/store'
import { type Mirror, openMirror } from '@nearcloud/store/mirror'
import type { Down, Up } from '@nearcloud/sync'
import { createGuestSync, type GuestSync } from '@nearcloud/sync/guest'
import { type DeviceEvents, storeNameOf } from '../identity/device.ts'
import type { DeviceUser } from '../identity/register.ts'
import type { Setting } from '../init-options.ts'
import type { Instance } from '../instance.ts'
import { later } from '../later.ts'
import { fetchAhead, laterFiles, part } from '../later-files.ts'
import type { Platform } from '../platform.ts'
import type { Transfer, UploadProgress } from '../transfer-task.ts'
import type { Engine } from './engine.ts'
import type { AuthMethod, CallSaid, DeviceStatus, News, Wish } from './messages.ts'
import type { Writes } from './writes.ts'

export interface GuestOptions {
  readonly platform: Platform
  readonly setting: Setting
  readonly tab: string
  readonly user: DeviceUser
  readonly device: DeviceStatus
  readonly writes: Writes
  readonly events: Pick<DeviceEvents, 'uploaded' | 'called' | 'merged' | 'dropped'>
  send(message: Up | Wish): void
  auth(method: AuthMethod, args: readonly unknown[]): Promise<unknown>
  deviceChanged(device: DeviceStatus): void
}

/** The work of one user where another tab leads: reads are answered here. */
export class GuestEngine implements Engine {
  readonly user: DeviceUser
  readonly instance: Instance
  readonly executor: Engine['executor']
  readonly files: Engine['files']
  readonly #options: GuestOptions
  readonly #mirror: Mirror
  readonly #sync: GuestSync
  readonly #transfers = new Map<number, Transfer<UploadProgress>>()
  #device: DeviceStatus

  /** `early` is what was said before this, in order; what comes after is for `heard`. */
  static async open(options: GuestOptions, early: (Down | News)[]): Promise<GuestEngine> {
    const { platform, setting, tab, user, writes } = options
    let sync: GuestSync | undefined
    const mirror = await openMirror({
      storage: platform.storage(storeNameOf(setting, user.slot), 'read'),
      random: platform.random,
      ...(platform.pause && { pause: platform.pause }),
      ...(setting.functions && { outbox: setting.functions.outbox() }),
      tab,
      waiting: writes.of(user.slot),
      write: entry => writes.write(entry, user.slot, message => sync!.ask(message)),
      hears: entries => sync?.logs(entries),
    })
    const { store } = mirror
    sync = createGuestSync({
      store,
      clock: platform.clock,
      random: platform.random,
      send: message => options.send(message),
      ...(platform.text && { text: () => platform.text!() }),
    })
    const engine = new GuestEngine(options, mirror, sync)
    for (const message of early.splice(0)) engine.heard(message)
    writes.sendAgain(user.slot, message => sync.ask(message))
    return engine
  }

  private constructor(options: GuestOptions, mirror: Mirror, sync: GuestSync) {
    this.#options = options
    this.#mirror = mirror
    this.#sync = sync
    this.#device = options.device
    this.user = options.user
    const { store } = mirror
    const size = () => this.#device.uploads
    const calls = () => this.#device.calls
    this.instance = {
      setting: options.setting,
      store,
      sync,
      queue: {
        get size() {
          return size()
        },
      },
      uploads: { whenEmpty: async () => void (await this.#ask(id => ({ type: 'whenUploaded', id }))) },
      queuedCalls: {
        get size() {
          return calls()
        },
        bring: async call => {
          // what was written before, and not waited for, is on its way then
          await new Promise<void>(resolve => void options.platform.clock.after(0, resolve))
          const said = (await this.#ask(id => ({ type: 'queueCall', id, call }))) as CallSaid
          if ('error' in said) return { error: errorFromData(said.error) }
          return 'waits' in said ? said : { ...said, result: decodeTrusted(said.result, 'call') }
        },
        whenEmpty: async () => void (await this.#ask(id => ({ type: 'whenCalled', id }))),
      },
      get undecided() {
        return {
          writes: store.outbox.size,
          files: size(),
          calls: calls(),
          rejections: store.rejected.length,
        }
      },
    }
    this.executor = later(async () => sync.executor)
    this.files = laterFiles(async () => {
      const { FilesThere } = await loadFilesThere()
      return new FilesThere(options.platform, this.instance, {
        ask: wish => this.#ask(wish),
        begun: (id, transfer) => this.#transfers.set(id, transfer),
        ended: id => this.#transfers.delete(id),
        abort: upload => options.send({ type: 'abort', upload }),
      })
    })
    fetchAhead(options.platform, loadFilesThere)
  }

  heard(message: Down | News): void {
    switch (message.type) {
      case 'logged':
        this.#mirror.heard(message.group as LoggedGroup)
        this.#sync.logged()
        return
      case 'refused':
        this.#options.writes.refused(this.#mirror.refused(errorFromData(message.error)), message =>
          this.#sync.ask(message),
        )
        return
      case 'device':
        this.#device = message.device
        this.#options.deviceChanged(message.device)
        return
      case 'uploading': {
        const transfer = this.#transfers.get(message.upload)
        if (message.progress) transfer?.progressed(message.progress as UploadProgress)
        if (message.header) transfer?.headersCame(message.header as Readonly<Record<string, string>>)
        return
      }
      case 'uploaded':
        this.#options.events.uploaded(
          { fileID: message.fileID } as never,
          message.error && errorFromData(message.error),
        )
        return
      case 'called': {
        const { key, name, data, result, error } = message
        const outcome =
          result === undefined ? { error: errorFromData(error!) } : { result: decodeTrusted(result, 'call') }
        this.#options.events.called({ key, name, data: decodeTrusted(data, 'call'), ...outcome })
        return
      }
      case 'merged':
        this.#options.events.merged(message.merged)
        return
      case 'dropped':
        this.#options.events.dropped(
          this.#mirror.store.rejected.filter(({ mutation }) => message.nonces.includes(mutation.nonce)),
        )
        return
      default:
        this.#sync.heard(message)
    }
  }

  auth(method: AuthMethod, args: readonly unknown[]): Promise<unknown> {
    return this.#options.auth(method, args)
  }

  setOffline(isOffline: boolean): void {
    this.#options.send({ type: 'offline', isOffline })
  }

  async close(): Promise<void> {
    await this.#sync.stop()
    await this.#mirror.store.close()
  }

  #ask(wish: (id: number) => Wish): Promise<unknown> {
    return this.#sync.ask(wish as unknown as (id: number) => Up)
  }
}

const loadFilesThere = () => part('files', import('./files-there.ts'))
