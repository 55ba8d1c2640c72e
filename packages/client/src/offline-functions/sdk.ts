import { CloudError } from '@nearcloud/protocol'
import { createDatabase, type DatabaseOptions, type Executor } from '@nearcloud/query'
import { type TransactionalDatabase, withTransactions } from '@nearcloud/query/transactions'
import { currentRun, type Run } from './run.ts'

/*
 * The part of the server's SDK that a function has on a device: its database, and who calls. Whatever else it asks for only the
 * server has, and leaves the whole call to it.
 */

/** Stands for the environment the function runs in. */
export const DYNAMIC_CURRENT_ENV: unique symbol = Symbol('DYNAMIC_CURRENT_ENV')

interface Options {
  readonly env?: unknown
  readonly throwOnNotFound?: boolean
}

let settings: Options = {}

export function init(options: Options = {}): void {
  settings = options
}

export function updateConfig(options: Options = {}): void {
  settings = { ...settings, ...options }
}

/** What is here of the documents, under what the run has written. */
export function database(options: Options = {}): TransactionalDatabase {
  const { throwOnNotFound = true } = { ...settings, ...options }
  const common: DatabaseOptions = {
    newId: () => currentRun().newId(),
    limits: { default: 100, max: 1_000 },
    side: 'server',
    throwOnNotFound,
    now: () => currentRun().now(),
  }
  return withTransactions(createDatabase(executor, common), common, async () => currentRun().begin())
}

/** Who calls. */
export function getWXContext(): { OPENID?: string; APPID?: string; ENV?: string; SOURCE?: string } {
  return currentRun().context()
}

/** Lines for the app's own console. */
export function logger(): Record<'log' | 'info' | 'warn' | 'error', (entry: object) => void> {
  const silent = () => undefined
  return { log: silent, info: silent, warn: silent, error: silent }
}

const executor: Executor = {
  run: async asked => currentRun().executor.run(asked),
  commit: async asked => currentRun().executor.commit(asked),
  watch() {
    throw new CloudError('WATCH_FAILED', {
      errMsg: 'watch:fail a cloud function cannot watch: it reads and ends',
    })
  },
}

/** Asked for, it leaves the call to the server. */
const onServer = (name: string) => async (): Promise<never> => currentRun().leaveToServer(name)

export const callFunction = onServer('callFunction')
export const uploadFile = onServer('uploadFile')
export const downloadFile = onServer('downloadFile')
export const getTempFileURL = onServer('getTempFileURL')
export const deleteFile = onServer('deleteFile')

export function queue(): { send(): Promise<never> } {
  return { send: onServer('queue') }
}

export function auth(): Readonly<Record<string, () => never>> {
  return beyond('auth')
}

/** Any name under it, as deep as one likes, can be called. */
export const openapi: unknown = beyond('openapi')

function beyond<T>(name: string): T {
  const leave = () => (currentRun() as Run).leaveToServer(name)
  return new Proxy(leave, {
    get: (_, key) => (typeof key === 'symbol' || key === 'then' ? undefined : beyond(name)),
  }) as T
}
