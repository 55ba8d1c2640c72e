import { CloudError, newDocId } from '@nearcloud/protocol'
import { answer, createDatabase, type Executor } from '@nearcloud/query'
import { Emitter } from '@nearcloud/sync'
import type { Cloud, CloudEvents } from './cloud.ts'
import { checkFileList, Files } from './files.ts'
import { callFunction } from './functions.ts'
import { readInitOptions, type Setting } from './init-options.ts'
import { type Instance, openInstance } from './instance.ts'
import { later } from './later.ts'
import type { Platform } from './platform.ts'
import { ProgressListeners, type UploadTask } from './transfer-task.ts'
import type { QueuedUpload } from './upload-queue.ts'

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
        uploaded({ fileID }, error) {
          if (!error) events.emit('uploaded', { fileID })
          else if (error.code !== 'ABORTED')
            events.emit('uploadRejected', { fileID, code: error.code, reason: error.errMsg })
        },
        failed: error => events.emit('error', error),
      })
      for (const name of ['pending', 'accepted', 'rejected', 'online', 'offline', 'error'] as const)
        instance.sync.on(name, detail => events.emit(name, detail as never))
      if (opened.isOfflineByChoice) instance.sync.goOffline()
      opened.instance = instance
      return { instance, files: new Files(instance, platform) }
    }
  }

  function use(): Opened {
    if (current) return current
    throw new CloudError('NOT_INITIALIZED', {
      errMsg: "Cloud API isn't enabled, please call init first: cloud.init({ endpoint: 'http://…' })",
    })
  }

  const opening = async (): Promise<Opening> => use().opening
  const executor: Executor = later(async () => (await opening()).instance.sync.executor)

  const cloud: Omit<Cloud, OverloadedMethods> & Pick<Implementation, OverloadedMethods> = {
    init(options = {}) {
      current = init(readInitOptions(options, platform.defaultEndpoint))
    },

    async ready() {
      await opening()
    },

    database(options) {
      const { setting } = use()
      return createDatabase(executor, {
        side: 'client',
        newId: () => newDocId(random),
        limits: setting.queryLimits,
        throwOnNotFound: options?.throwOnNotFound ?? setting.throwOnNotFound,
        now: () => clock.now(),
      })
    },

    callFunction: options =>
      answer('cloud.callFunction', options, 'both', async () =>
        callFunction(options, (await opening()).instance.sync, random),
      ),

    uploadFile(options) {
      const progress = new ProgressListeners()
      let file: QueuedUpload | undefined
      let isAborted = false
      const abort = () => {
        isAborted = true
        if (file) void opening().then(({ instance }) => instance.uploads.abort(file!, aborted()))
      }
      const promise = answer('uploadFile', options, 'both', async () => {
        const { files } = await opening()
        return files.upload(options, progress, queued => {
          file = queued
          if (isAborted) abort()
        })
      })
      const task: UploadTask = {
        abort,
        onProgressUpdate: listener => progress.add(listener),
        offProgressUpdate: listener => progress.remove(listener),
      }
      return promise ?? task
    },

    downloadFile: options =>
      answer('downloadFile', options, 'both', async () => {
        const { files } = await opening()
        const fileID: unknown = options?.fileID
        if (typeof fileID !== 'string' || fileID === '')
          throw new CloudError('INVALID_PARAM', { errMsg: 'fileID is required' })
        return { ...(await files.download(fileID)), errMsg: 'downloadFile:ok' }
      }),

    getTempFileURL: options =>
      answer('getTempFileURL', options, 'both', async () => {
        const { files } = await opening()
        return { fileList: await files.urls(checkFileList(options?.fileList)), errMsg: 'getTempFileURL:ok' }
      }),

    deleteFile: options =>
      answer('deleteFile', options, 'both', async () => {
        const { files } = await opening()
        const asked = checkFileList(options?.fileList).map(({ fileID }) => fileID)
        return { fileList: await files.delete(asked), errMsg: 'deleteFile:ok' }
      }),

    subscribe(query) {
      const plain = query.toQuery()
      let isClosed = false
      const subscribed = opening().then(({ instance }) => instance.sync.subscribe(plain))
      const ready = subscribed.then(subscription => {
        if (isClosed) subscription.close()
        return subscription.ready
      })
      ready.catch(() => undefined) // told by the error event as well
      return {
        ready,
        close() {
          if (isClosed) return
          isClosed = true
          void subscribed.then(
            subscription => subscription.close(),
            () => undefined,
          )
        },
      }
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
        volatile: store.volatile,
      }
    },

    isPending: (collection, id) => current?.instance?.store.outbox.isPending(collection, id) ?? false,

    rejections: () => ({
      list: current?.instance?.store.rejected ?? [],
      discard: async id => (await opening()).instance.store.discardRejected(id),
    }),

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
type OverloadedMethods = 'callFunction' | 'uploadFile' | 'downloadFile' | 'getTempFileURL' | 'deleteFile'
type Implementation = {
  [Name in OverloadedMethods]: (options: Parameters<Cloud[Name]>[0]) => unknown
}

function aborted(): CloudError {
  return new CloudError('ABORTED', { errMsg: 'uploadFile:fail abort' })
}

const nothing = { pending: 0, uploads: 0, rejected: 0, openid: undefined, volatile: false }
