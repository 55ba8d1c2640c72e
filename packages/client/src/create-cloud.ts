import { CloudError, newDocId, toCloudError } from '@nearcloud/protocol'
import { answer, type Callbacks, createDatabase, type Executor } from '@nearcloud/query'
import { Emitter, OpenPresence } from '@nearcloud/sync'
import type { Cloud, CloudEvents, DatabaseWish, DialectMaker } from './cloud.ts'
import { editorRoomOf } from './editor-room.ts'
import { type Auth, type AuthParts, createAuth } from './identity/auth.ts'
import { Device, type DeviceEvents } from './identity/device.ts'
import { loginStateOf } from './identity/login-state.ts'
import type { Kind, Opening, Seat } from './identity/seat.ts'
import { followed, readInitOptions, type Setting } from './init-options.ts'
import { loadCalls, loadFiles } from './later-files.ts'
import type { Platform } from './platform.ts'
import { createRejections, rejectionFrom } from './rejections.ts'
import { roomFrom } from './room.ts'
import { createStorage, damageOf } from './storage.ts'
import { type DownloadProgress, Transfer, type UploadProgress } from './transfer-task.ts'

/** What a cloud is about between two `init`: whose turn it is. */
export interface Place {
  readonly setting: Setting
  readonly seat: Seat
  isOfflineByChoice: boolean
  close(options?: { destroy?: boolean }): Promise<void>
}

/** How a place is made, and who is in it. */
export interface Making<P extends Place> {
  place(setting: Setting, previous: Promise<unknown>, events: DeviceEvents): P
  auth(parts: AuthParts<P>): Auth
}

/** A cloud object on a host. Nothing happens before its `init`. */
export function createCloud(platform: Platform): Cloud {
  return createCloudOf(platform, {
    place: (setting, previous, events) => new Device(platform, setting, previous, events),
    auth: createAuth,
  })
}

export function createCloudOf<P extends Place>(platform: Platform, making: Making<P>): Cloud {
  const events = new Emitter<CloudEvents>()
  const { clock, random } = platform
  let current: P | undefined

  function init(setting: Setting): P {
    // the former one may hold the very stores this one wants
    const previous = current?.close().catch(() => undefined)
    return making.place(setting, previous ?? Promise.resolve(), {
      called: event => events.emit('called', event),
      uploaded({ fileID }, error) {
        if (!error) events.emit('uploaded', { fileID })
        else if (error.code !== 'ABORTED')
          events.emit('uploadRejected', { fileID, code: error.code, reason: error.errMsg })
      },
      failed: error => events.emit('error', error),
      dropped: rejected =>
        events.emit('rejectionsDropped', { rejections: Object.freeze(rejected.map(rejectionFrom)) }),
      began({ sync, store }) {
        const damage = damageOf(store)
        if (damage) events.emit('storageDamaged', damage)
        const stopWaiting = sync.on('pending', () => {
          stopWaiting()
          platform.persistStorage?.().catch(() => undefined)
        })
        for (const name of syncEvents) sync.on(name, detail => events.emit(name, detail as never))
        sync.on('rejected', detail =>
          events.emit('rejected', { ...detail, rejection: rejectionFrom(detail) }),
        )
      },
      userChanged: (user, instance) => events.emit('userChanged', loginStateOf(user, instance)),
      merged: result => events.emit('merged', result),
    })
  }

  function use(): P {
    if (current) return current
    throw notInitialised()
  }

  /** Does the work of a method of the original, in the style its options ask for. */
  function inStyle<Result>(
    api: string,
    options: unknown,
    kind: Kind,
    work: (opening: Opening) => Promise<Result>,
  ): Promise<Result> | undefined {
    // its words are the original's, without the name of a method in front of them
    if (!current) return refuseIn(options, notInitialised())
    const { setting, seat } = current
    return answer(api, options, 'both', async () => {
      checkEnv((options as { config?: { env?: unknown } } | undefined)?.config?.env, setting)
      return seat.within(kind, work)
    })
  }

  /** As the user who is active when it is asked. */
  const stored: Required<Executor> = {
    run: async run => use().seat.executor.run(run),
    commit: async commit => use().seat.executor.commit(commit),
    watch(query, observer) {
      if (current) return current.seat.executor.watch(query, observer)
      void Promise.resolve().then(() => observer.error(notInitialised()))
      return { close: async () => undefined }
    },
    follow: (query, options) => use().seat.executor.follow(query, options),
    text: async place => use().seat.executor.text(place),
  }
  /** The same in the shapes this app knows. */
  let executor = stored

  const cloud: Omit<Cloud, OverloadedMethods> & Pick<Implementation, OverloadedMethods> = {
    init(options = {}) {
      const setting = readInitOptions(options, platform.defaultEndpoint)
      current = init(setting)
      const host = {
        random,
        clock,
        openid: () => current?.seat.instance?.store.checkpoint.openid,
        failed: (error: CloudError) => events.emit('error', error),
      }
      executor = setting.lenses?.over(stored, host) ?? stored
    },

    async ready() {
      await use().seat.opening
    },

    database(options?: DatabaseWish & { readonly as?: DialectMaker<unknown> }) {
      const { setting } = use()
      checkEnv(options?.env, setting)
      const { queryLimits } = setting
      const common = {
        side: 'client',
        newId: () => newDocId(random),
        throwOnNotFound: options?.throwOnNotFound ?? setting.throwOnNotFound,
        now: () => clock.now(),
      } as const
      return options?.as
        ? options.as(executor, { ...common, ...(queryLimits && { limits: queryLimits }) })
        : createDatabase(executor, { ...common, limits: queryLimits ?? { default: 20, max: 20 } })
    },

    callFunction: options =>
      inStyle('cloud.callFunction', options, 'other', async ({ instance }) => {
        const { callFunction } = await loadCalls()
        return callFunction(options, instance, platform)
      }),

    uploadFile(options) {
      const transfer = new Transfer<UploadProgress>()
      const promise = inStyle('uploadFile', options, 'write', ({ files }) => files.upload(options, transfer))
      return promise ?? transfer.task
    },

    downloadFile(options) {
      const transfer = new Transfer<DownloadProgress>()
      const promise = inStyle('downloadFile', options, 'other', async ({ files }) => {
        const fileID: unknown = options?.fileID
        if (typeof fileID !== 'string' || fileID === '')
          throw new CloudError('INVALID_PARAM', { errMsg: 'fileID is required' })
        return { ...(await files.download(fileID, transfer)), errMsg: 'downloadFile:ok' }
      })
      return promise ?? transfer.task
    },

    getTempFileURL: options =>
      inStyle('getTempFileURL', options, 'other', async ({ files }) => {
        const { checkFileList } = await loadFiles()
        const fileList = await files.urls(checkFileList(options?.fileList))
        return { fileList, errMsg: 'getTempFileURL:ok' }
      }),

    deleteFile: options =>
      inStyle('deleteFile', options, 'other', async ({ files }) => {
        const { checkFileList } = await loadFiles()
        const asked = checkFileList(options?.fileList).map(({ fileID }) => fileID)
        return { fileList: await files.delete(asked), errMsg: 'deleteFile:ok' }
      }),

    subscribe(what, where) {
      use()
      const plain = typeof what === 'string' ? followed(what, where ?? true) : what.toQuery()
      return executor.follow(plain)
    },

    presence(room) {
      const { seat } = use()
      const presence = new OpenPresence(roomFrom(room))
      seat
        .within('other', async ({ instance }) => instance.sync.enter(presence))
        .catch(thrown => presence.over(toCloudError(thrown)))
      return presence
    },

    async editorRoom(place) {
      const { seat } = use()
      const room = ({ instance }: Opening) => editorRoomOf(instance, place, () => seat.instance === instance)
      return seat.within('other', async opening => room(opening))
    },

    on: (name, listener) => events.on(name, listener),

    async whenSynced() {
      await use().seat.within('other', async ({ instance }) => {
        // read anew each time: who leads the tabs may change meanwhile
        const waiting = () => instance.queue.size + instance.queuedCalls.size
        for (;;) {
          const before = waiting()
          await instance.sync.whenSynced()
          if (before + waiting() + instance.store.outbox.size === 0) return
          await instance.uploads.whenEmpty()
          await instance.queuedCalls.whenEmpty() // what they did is brought afterwards
        }
      })
    },

    goOffline() {
      const device = use()
      device.isOfflineByChoice = true
      device.seat.instance?.sync.goOffline()
    },

    goOnline() {
      const device = use()
      device.isOfflineByChoice = false
      device.seat.instance?.sync.goOnline()
    },

    status() {
      const instance = current?.seat.instance
      if (!instance) return { ...nothing, state: current ? 'opening' : 'closed' }
      const { store, sync, queue, queuedCalls } = instance
      return {
        state: sync.state,
        pending: store.outbox.size,
        uploads: queue.size,
        calls: queuedCalls.size,
        rejected: store.rejected.length,
        openid: sync.openid,
        arriving: sync.arriving,
        volatile: store.volatile,
      }
    },

    isPending: (collection, id) => current?.seat.instance?.store.outbox.isPending(collection, id) ?? false,

    rejections: createRejections(
      () => current?.seat.instance,
      async work => use().seat.within('write', ({ instance }) => work(instance)),
    ),

    storage: createStorage(platform, () =>
      use().seat.within('other', async ({ instance }) => instance.store),
    ),

    auth: () => auth,

    async close(options) {
      const closed = current
      current = undefined
      await closed?.close(options)
    },
  }
  const auth = making.auth({
    device: use,
    current: () => current,
    onChanged: listener => events.on('userChanged', listener),
    onExpired: listener => events.on('signInNeeded', listener),
  })
  return cloud as Cloud
}

/** What an instance's engine tells is told by the cloud. */
const syncEvents = [
  ...(['pending', 'accepted', 'online', 'offline'] as const),
  ...(['progress', 'evicted', 'diverged', 'historyLost', 'storageSetBack', 'signInNeeded', 'error'] as const),
]

/** Methods in two styles: one body answers both. */
type OverloadedMethods =
  | 'database'
  | 'callFunction'
  | 'uploadFile'
  | 'downloadFile'
  | 'getTempFileURL'
  | 'deleteFile'
type Implementation = {
  [Name in OverloadedMethods]: (options: Parameters<Cloud[Name]>[0]) => unknown
}

/** There is one environment on a connection. */
function checkEnv(env: unknown, setting: Setting): void {
  if (env === undefined || env === setting.env) return
  throw new CloudError('INVALID_ENV', {
    errMsg: `this cloud was initialised for the environment "${setting.env}": make another one for "${String(env)}"`,
  })
}

function refuseIn(options: unknown, error: CloudError): Promise<never> | undefined {
  const { success, fail, complete } = (options ?? {}) as Callbacks<never>
  if (!success && !fail && !complete) return Promise.reject(error)
  void Promise.resolve().then(() => {
    fail?.(error)
    complete?.(error)
  })
  return undefined
}

function notInitialised(): CloudError {
  return new CloudError('NOT_INITIALIZED', {
    errMsg: "Cloud API isn't enabled, please call init first: cloud.init({ endpoint: 'http://…' })",
  })
}

const nothing = {
  pending: 0,
  uploads: 0,
  calls: 0,
  rejected: 0,
  openid: undefined,
  volatile: false,
  arriving: [],
}
