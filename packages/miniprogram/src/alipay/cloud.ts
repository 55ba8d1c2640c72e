import type {
  CallFunctionOptions,
  Cloud,
  DatabaseWish,
  DeletedFile,
  DeleteOptions,
  DialectMaker,
  TempFileURL,
  UploadFileOptions,
  UrlOptions,
} from '@nearcloud/client'
import type { Clock } from '@nearcloud/protocol'
import {
  type AlipayDatabase,
  AlipayError,
  alipayError,
  createAlipayDatabase,
  Sort,
} from '@nearcloud/query/dialects'
import type { Bindable, Binding, BindOptions, BoundPage } from '../bind.ts'
import type { Host } from '../host.ts'
import { hostedClient, type MiniInitOptions } from '../hosted-client.ts'
import { hostClock } from '../timers.ts'
import { type AlipayCallbacks, inStyle } from './style.ts'

export interface AlipayInitOptions extends MiniInitOptions {
  /** Accepted for the original's sake; has no effect. */
  readonly appId?: string
}

export interface AlipayCallResult {
  /** What the function returned. */
  // biome-ignore lint/suspicious/noExplicitAny: the original's public types say so, and apps read its fields
  readonly result: any
  readonly requestID: string
  /** It is durable here and waits for a network. */
  readonly pending?: true
  readonly key?: string
}

export interface AlipayUploadResult {
  readonly fileID: string
  readonly statusCode: number
  readonly requestID: string
  /** Durable in the upload queue; the server does not have it yet. */
  readonly pending?: true
}

export interface AlipayDownloadOptions {
  readonly fileID: string
  /** Where it is to be kept, below `my.env.USER_DATA_PATH`. Absent: in a file that lives as long as the run. */
  readonly filePath?: string
}

export interface AlipayDownloadResult {
  readonly tempFilePath: string
  readonly filePath: string
  readonly statusCode: number
  readonly requestID: string
}

export interface AlipayFileList<Item> {
  readonly fileList: (Omit<Item, 'errMsg'> & { readonly resultMessage: string })[]
  readonly resultMessage: string
  readonly requestID: string
}

/** A call of `my.cloud`: a promise, or nothing where it has callbacks. Errors are AlipayErrors. */
export interface AlipayCall<Options, Result> {
  (options: Options): Promise<Result>
  (options: Options & AlipayCallbacks<Result>): Promise<Result> | undefined
}

type Given = AlipayInitOptions & AlipayCallbacks<{ success: true }>

/** Of our own: what an offline app wants to know besides. */
const ours = [
  ...(['ready', 'subscribe', 'presence', 'on', 'whenSynced', 'goOffline', 'goOnline', 'status'] as const),
  ...(['isPending', 'auth', 'close', 'storage', 'rejections'] as const),
] as const

/** What acts on an environment: `my.cloud` itself after `init`, and every context. */
export interface AlipayContext extends Pick<Cloud, (typeof ours)[number]> {
  database<Dialect>(options: DatabaseWish & { readonly as: DialectMaker<Dialect> }): Dialect
  /** Alipay's, with `watch`. */
  database(options?: DatabaseWish): AlipayDatabase
  readonly callFunction: AlipayCall<CallFunctionOptions, AlipayCallResult>
  readonly uploadFile: AlipayCall<UploadFileOptions, AlipayUploadResult>
  readonly downloadFile: AlipayCall<AlipayDownloadOptions, AlipayDownloadResult>
  readonly getTempFileURL: AlipayCall<UrlOptions, AlipayFileList<TempFileURL>>
  readonly deleteFile: AlipayCall<DeleteOptions, AlipayFileList<DeletedFile>>
  /** What only Alipay's own servers can do. Rejects with 60001, and says so. */
  readonly callContainer: AlipayCall<object, never>
  /** Keeps data of a page in step with queries and documents, until the page goes or it is closed. */
  bind(
    page: BoundPage,
    bindables: Readonly<Record<string, Bindable>>,
    options?: BindOptions<AlipayError>,
  ): Binding
  /** Is open when it resolves, and calls back too. Throws an AlipayError at once for options that are none. */
  init(options?: Given): Promise<{ success: true }>
}

/**
 * The cloud object of a mini program of Alipay: the original's `my.cloud`, with a local store underneath. There is one environment at
 * a time: the last `init` counts.
 */
export interface AlipayCloud extends AlipayContext {
  /** The original's way to begin: `init` of the context takes what is given here. */
  createCloudContext(options: AlipayInitOptions): AlipayContext
  /** For `orderBy`. */
  readonly Sort: typeof Sort
  /**
   * Makes this the `cloud` of the host's object. `options`: what `init` takes where the code that calls it does not say it, as the
   * `endpoint` in existing code. Throws where the host keeps its own.
   */
  install(host: object, options?: AlipayInitOptions): void
}

/** A cloud object on the host that `findHost` finds. `clock` is for tests. */
export function createAlipayCloud(findHost: () => Host, clock: Clock = hostClock): AlipayCloud {
  let host: Host | undefined
  const found = () => {
    host ??= findHost()
    return host
  }
  const { client, init, install, bind } = hostedClient(found, clock)
  const newId = () => client.database({ as: (_, { newId }) => newId() })
  const call =
    <Options, Result>(work: (options: Options) => Promise<Result>) =>
    (options: Options & AlipayCallbacks<Result>) =>
      inStyle(options, () => work(withoutCallbacks(options))) as never

  const context: Omit<AlipayContext, 'init'> = {
    ...(Object.fromEntries(ours.map(name => [name, client[name]])) as Pick<Cloud, (typeof ours)[number]>),
    database: (options: DatabaseWish & { readonly as?: DialectMaker<unknown> } = {}) =>
      orAlipayError(() => client.database({ as: createAlipayDatabase, ...options })) as never,

    callFunction: call(async (options: CallFunctionOptions) => {
      const { result, requestID, pending, key } = await client.callFunction(options)
      return { result, requestID, ...(pending && { pending }), ...(key !== undefined && { key }) }
    }),

    uploadFile: call(async (options: UploadFileOptions) => {
      const { fileID, statusCode, pending } = await client.uploadFile(options)
      return { fileID, statusCode, requestID: newId(), ...(pending && { pending }) }
    }),

    downloadFile: call(async ({ filePath, ...options }: AlipayDownloadOptions) => {
      const { tempFilePath, statusCode } = await client.downloadFile(options)
      if (filePath === undefined)
        return { tempFilePath, filePath: tempFilePath, statusCode, requestID: newId() }
      const { files } = found()
      await files.write(filePath, await files.readBytes(tempFilePath))
      await files.remove(tempFilePath)
      return { tempFilePath: filePath, filePath, statusCode, requestID: newId() }
    }),

    getTempFileURL: call(async (options: UrlOptions) => {
      checkLength(options)
      return listOf((await client.getTempFileURL(options)).fileList, newId())
    }),

    deleteFile: call(async (options: DeleteOptions) => {
      checkLength(options)
      return listOf((await client.deleteFile(options)).fileList, newId())
    }),

    callContainer: call(async () => {
      throw new AlipayError(
        'INVALID_PARAM',
        60_001,
        "it is Alipay's own, and needs its servers: use the original my.cloud for it, or a cloud function",
      )
    }),

    bind: (page, bindables, options) => bind(page, bindables, options as BindOptions<unknown> | undefined),
  }

  const initWith = (given: Given) => {
    const { appId, ...options } = withoutCallbacks<AlipayInitOptions>(given)
    orAlipayError(() => init(options))
    const opened = client.ready().then(
      () => ({ success: true }) as const,
      (thrown: unknown) => {
        throw alipayError(thrown)
      },
    )
    // who does not wait hears of it by the event `error`, and from every call
    opened.catch(() => undefined)
    if (given.success || given.fail || given.complete) inStyle(given, () => opened)
    return opened
  }
  const cloud: AlipayCloud = Object.freeze({
    ...context,
    init: (options: Given = {}) => initWith(options),
    createCloudContext: (given: AlipayInitOptions) =>
      Object.freeze({
        ...context,
        init: (options: Given = {}) => initWith({ ...given, ...options }),
      }),
    Sort,
    install: (host: object, options?: AlipayInitOptions) =>
      orAlipayError(() => install(host, cloud, options)),
  })
  return cloud
}

function listOf<Item extends { readonly errMsg: string }>(
  list: readonly Item[],
  requestID: string,
): AlipayFileList<Item> {
  const fileList = list.map(({ errMsg, ...item }) => ({ ...item, resultMessage: errMsg }))
  return { fileList, resultMessage: 'success', requestID }
}

function checkLength({ fileList }: UrlOptions | DeleteOptions): void {
  if (Array.isArray(fileList) && fileList.length > 50)
    throw new AlipayError('INVALID_PARAM', 60_006, 'fileList has at most 50 items')
}

function withoutCallbacks<Options>(options: Options & AlipayCallbacks<never>): Options {
  const { success, fail, complete, ...rest } = options ?? {}
  return rest as Options
}

function orAlipayError<Result>(work: () => Result): Result {
  try {
    return work()
  } catch (thrown) {
    throw alipayError(thrown)
  }
}
