import { auth } from './auth.ts'
import { callFunction, DYNAMIC_CURRENT_ENV, database, getWXContext, init, logger, version } from './cloud.ts'
import { deleteFile, downloadFile, getTempFileURL, uploadFile } from './files.ts'

export type { FunctionAuth } from './auth.ts'
export type { InitOptions, WXContext } from './cloud.ts'
export type { FileStatus, TempFile } from './files.ts'
export {
  auth,
  callFunction,
  DYNAMIC_CURRENT_ENV,
  database,
  deleteFile,
  downloadFile,
  getTempFileURL,
  getWXContext,
  init,
  logger,
  uploadFile,
  version,
}

/** What `require('wx-server-sdk')` gives. */
const cloud = {
  auth,
  callFunction,
  DYNAMIC_CURRENT_ENV,
  database,
  deleteFile,
  downloadFile,
  getTempFileURL,
  getWXContext,
  init,
  logger,
  uploadFile,
  version,
} as const

export default cloud
