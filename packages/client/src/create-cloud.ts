import { CloudError, newDocId, toCloudError } from '@nearcloud/protocol'
import { answer, type Callbacks, createDatabase } from '@nearcloud/query'
import { Emitter, OpenPresence } from '@nearcloud/sync'
import type { Cloud, CloudEvents, DatabaseWish, DialectMaker } from './cloud.ts'
import { checkFileList, Files } from './files.ts'
import { callFunction } from './functions.ts'
import { followed, readInitOptions, type Setting } from './init-options.ts'
import { type Instance, openInstance } from './instance.ts'
import { later } from './later.ts'
import type { Platform } from './platform.ts'
import { createRejections, rejectionFrom } from './rejections.ts'
import { roomFrom } from './room.ts'
import { type DownloadProgress, Transfer, type UploadProgress } from './transfer-task.ts'

/** A cloud object on a host. Nothing happens before its `init`. */
export function createCloud(platform: Platform): Cloud {
  const events = new Emitter<CloudEvents>()
  const { clock, random } = platform
  let current: Opened | undefined

  function init(setting: Setting): Opened {
    const previous = current
    const opened: Opened = { setting, isOfflineByChoice: false, opening: open() }
    opened.opening.catch(() => undefined) // every method tells the reason
    return opened

    async function open(): Promise<Opening> {
      // the former one may hold the very store this one wants
      await previous?.opening.then(({ instance }) => instance.close()).catch(() => undefined)
      const instance = await openInstance(platform, setting, {
        isHeldOffline: () => opened.isOfflineByChoice,
        uploaded({ fileID }, error) {
          if (!error) events.emit('uploaded', { fileID })
          else if (error.code !== 'ABORTED')
            events.emit('uploadRejected', { fileID, code: error.code, reason: error.errMsg })
        },
        failed: error => events.emit('error', error),
        dropped: rejected =>
          events.emit('rejectionsDropped', { rejections: Object.freeze(rejected.map(rejectionFrom)) }),
      })
      for (const name of syncEvents) instance.sync.on(name, detail => events.emit(name, detail as never))
      instance.sync.on('rejected', detail =>
        events.emit('rejected', { ...detail, rejection: rejectionFrom(detail) }),
      )
      opened.instance = instance
      return { instance, files: new Files(instance, platform) }
    }
  }

  function use(): Opened {
    if (current) return current
    throw notInitialised()
  }

  /** Does the work of a method of the original, in the style its options ask for. */
  function inStyle<Result>(
    api: string,
    options: unknown,
    work: (opening: Opening) => Promise<Result>,
  ): Promise<Result> | undefined {
    // its words are the original's, without the name of a method in front of them
    if (!current) return refuseIn(options, notInitialised())
    const { setting, opening } = current
    return answer(api, options, 'both', async () => {
      checkEnv((options as { config?: { env?: unknown } } | undefined)?.config?.env, setting)
      return work(await opening)
    })
  }

  const opening = async (): Promise<Opening> => use().opening
  const executor = later(async () => (await opening()).instance.sync.executor)

  const cloud: Omit<Cloud, OverloadedMethods> & Pick<Implementation, OverloadedMethods> = {
    init(options = {}) {
      current = init(readInitOptions(options, platform.defaultEndpoint))
    },

    async ready() {
      await opening()
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
      inStyle('cloud.callFunction', options, ({ instance }) => callFunction(options, instance.sync, random)),

    uploadFile(options) {
      const transfer = new Transfer<UploadProgress>()
      const promise = inStyle('uploadFile', options, ({ files }) => files.upload(options, transfer))
      return promise ?? transfer.task
    },

    downloadFile(options) {
      const transfer = new Transfer<DownloadProgress>()
      const promise = inStyle('downloadFile', options, async ({ files }) => {
        const fileID: unknown = options?.fileID
        if (typeof fileID !== 'string' || fileID === '')
          throw new CloudError('INVALID_PARAM', { errMsg: 'fileID is required' })
        return { ...(await files.download(fileID, transfer)), errMsg: 'downloadFile:ok' }
      })
      return promise ?? transfer.task
    },

    getTempFileURL: options =>
      inStyle('getTempFileURL', options, async ({ files }) => ({
        fileList: await files.urls(checkFileList(options?.fileList)),
        errMsg: 'getTempFileURL:ok',
      })),

    deleteFile: options =>
      inStyle('deleteFile', options, async ({ files }) => {
        const asked = checkFileList(options?.fileList).map(({ fileID }) => fileID)
        return { fileList: await files.delete(asked), errMsg: 'deleteFile:ok' }
      }),

    subscribe(what, where) {
      use()
      const plain = typeof what === 'string' ? followed(what, where ?? true) : what.toQuery()
      return executor.follow(plain)
    },

    presence(room) {
      const { opening } = use()
      const presence = new OpenPresence(roomFrom(room))
      opening.then(
        ({ instance }) => instance.sync.enter(presence),
        thrown => presence.over(toCloudError(thrown)),
      )
      return presence
    },

    on: (name, listener) => events.on(name, listener),

    async whenSynced() {
      const { instance } = await opening()
      do {
        await instance.sync.whenSynced()
        await instance.uploads.whenEmpty()
      } while (instance.store.outbox.size > 0)
    },

    goOffline() {
      const opened = use()
      opened.isOfflineByChoice = true
      opened.instance?.sync.goOffline()
    },

    goOnline() {
      const opened = use()
      opened.isOfflineByChoice = false
      opened.instance?.sync.goOnline()
    },

    status() {
      const instance = current?.instance
      if (!instance) return { ...nothing, state: current ? 'opening' : 'closed' }
      const { store, sync, queue } = instance
      return {
        state: sync.state,
        pending: store.outbox.size,
        uploads: queue.size,
        rejected: store.rejected.length,
        openid: sync.openid,
        arriving: sync.arriving,
        volatile: store.volatile,
      }
    },

    isPending: (collection, id) => current?.instance?.store.outbox.isPending(collection, id) ?? false,

    rejections: createRejections(
      () => current?.instance,
      async () => (await opening()).instance,
    ),

    async close(options) {
      const closed = current
      current = undefined
      const opening = await closed?.opening.catch(() => undefined) // what never opened holds nothing
      if (!closed || !opening) return
      closed.instance = undefined
      await opening.instance.close(options)
    },
  }
  return cloud as Cloud
}

/** What an instance's engine tells is told by the cloud. */
const syncEvents = [
  ...(['pending', 'accepted', 'online', 'offline'] as const),
  ...(['progress', 'evicted', 'diverged', 'error'] as const),
]

interface Opened {
  readonly setting: Setting
  readonly opening: Promise<Opening>
  isOfflineByChoice: boolean
  /** Once it is open. */
  instance?: Instance | undefined
}

interface Opening {
  readonly instance: Instance
  readonly files: Files
}

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

const nothing = { pending: 0, uploads: 0, rejected: 0, openid: undefined, volatile: false, arriving: [] }
