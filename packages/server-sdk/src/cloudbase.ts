import type { Buffer } from 'node:buffer'
import type { Readable } from 'node:stream'
import { type CloudbaseDatabase, createCloudbaseDatabase } from '@nearcloud/query/dialects'
import { type FunctionAuth, auth as functionAuth } from './auth.ts'
import {
  callByName,
  DYNAMIC_CURRENT_ENV,
  getWXContext,
  type InitOptions,
  logger,
  version,
  warnOfOtherEnv,
} from './cloud.ts'
import { cloudbaseTransactions } from './cloudbase-transactions.ts'
import { serverExecutor } from './executor.ts'
import { deleteFile, downloadFile, getTempFileURL, uploadFile } from './files.ts'
import { newId } from './new-id.ts'
import { calls } from './runtime.ts'

/** Stands for the environment the function runs in. */
export const SYMBOL_CURRENT_ENV: typeof DYNAMIC_CURRENT_ENV = DYNAMIC_CURRENT_ENV

/** Who is behind the running invocation, in CloudBase's words; what is not known is an empty text. */
export interface CloudbaseUser {
  readonly openId: string
  readonly appId: string
  readonly uid: string
  readonly customUserId: string
}

/** An application, as `init` of `@cloudbase/node-sdk` gives it. */
export interface CloudbaseApp {
  database(): CloudbaseDatabase & ReturnType<typeof cloudbaseTransactions>
  callFunction(options: { name: string; data?: unknown }): Promise<{ result: unknown; requestId: string }>
  uploadFile(options: {
    cloudPath: string
    fileContent: Uint8Array | Readable
  }): Promise<{ fileID: string; requestId: string }>
  downloadFile(options: { fileID: string }): Promise<{ fileContent: Buffer; requestId: string }>
  /** `code` is SUCCESS, or says what went wrong with this file. */
  getTempFileURL(options: {
    fileList: readonly (string | { fileID: string; maxAge?: number })[]
  }): Promise<{ fileList: { code: string; fileID: string; tempFileURL: string }[]; requestId: string }>
  deleteFile(options: {
    fileList: readonly string[]
  }): Promise<{ fileList: { code: string; fileID: string }[]; requestId: string }>
  auth(): FunctionAuth & { getUserInfo(): CloudbaseUser; getClientIP(): string }
  logger(): ReturnType<typeof logger>
}

/** What an app of CloudBase does on its server. A name of another environment is told to the log. */
export function init(options: InitOptions = {}): CloudbaseApp {
  warnOfOtherEnv(options)
  const requestId = () => calls.getStore()?.id ?? ''
  return {
    database() {
      const settings = { newId, side: 'server', now: Date.now } as const
      return { ...createCloudbaseDatabase(serverExecutor, settings), ...cloudbaseTransactions(settings) }
    },
    async callFunction(call) {
      const { result, requestID } = await callByName(call)
      return { result, requestId: requestID }
    },
    async uploadFile(file) {
      const { fileID } = await uploadFile(file)
      return { fileID, requestId: requestId() }
    },
    async downloadFile(file) {
      const { fileContent } = await downloadFile(file)
      return { fileContent, requestId: requestId() }
    },
    async getTempFileURL(files) {
      const { fileList } = await getTempFileURL(files)
      const told = fileList.map(({ status, fileID, tempFileURL }) => ({
        code: codeOf(status),
        fileID,
        tempFileURL,
      }))
      return { fileList: told, requestId: requestId() }
    },
    async deleteFile(files) {
      const { fileList } = await deleteFile(files)
      const told = fileList.map(({ status, fileID }) => ({ code: codeOf(status), fileID }))
      return { fileList: told, requestId: requestId() }
    },
    auth: () => ({ ...functionAuth(), getUserInfo, getClientIP }),
    logger,
  }
}

/** Of the running invocation, in the words of the platform's variables. */
export function getCloudbaseContext(): Readonly<Record<string, string>> {
  const { OPENID, APPID, ENV, SOURCE } = getWXContext()
  const named = { WX_OPENID: OPENID, WX_APPID: APPID, TCB_ENV: ENV, SCF_NAMESPACE: ENV, TCB_SOURCE: SOURCE }
  return Object.fromEntries(Object.entries(named).flatMap(([name, text]) => (text ? [[name, text]] : [])))
}

export { version }

function getUserInfo(): CloudbaseUser {
  const { OPENID = '', APPID = '' } = getWXContext()
  return { openId: OPENID, appId: APPID, uid: OPENID, customUserId: '' }
}

function getClientIP(): string {
  const { CLIENTIP, CLIENTIPV6 } = getWXContext()
  return CLIENTIP ?? CLIENTIPV6 ?? ''
}

function codeOf(status: number): string {
  if (status === 0) return 'SUCCESS'
  return status === -503003 ? 'STORAGE_FILE_NONEXIST' : 'STORAGE_REQUEST_FAIL'
}

/** What `require('@cloudbase/node-sdk')` gives. */
const cloudbase = { init, getCloudbaseContext, SYMBOL_CURRENT_ENV, version }

export default cloudbase
