import { auth } from './auth.ts'
import {
  callFunction,
  DYNAMIC_CURRENT_ENV,
  database,
  getWXContext,
  type InitOptions,
  init,
  logger,
  updateConfig,
  version,
} from './cloud.ts'
import { deleteFile, downloadFile, getTempFileURL, uploadFile } from './files.ts'
import { type Instance, newInstance } from './instance.ts'
import { callOpenAPI, openapi } from './openapi.ts'
import { queue } from './queue.ts'
import {
  ai,
  cloudPay,
  getCloudCallSign,
  getOpenData,
  getVoIPSign,
  type RefusedNames,
  signature,
} from './wechat-only.ts'

export type { FunctionAuth } from './auth.ts'
export type { InitOptions, WXContext } from './cloud.ts'
export type { FileStatus, TempFile } from './files.ts'
export type { OpenapiError, OpenapiNames } from './openapi.ts'
export type { Queue } from './queue.ts'
export type { RefusedNames }
export {
  ai,
  auth,
  callFunction,
  callOpenAPI,
  cloudPay,
  DYNAMIC_CURRENT_ENV,
  database,
  deleteFile,
  downloadFile,
  getCloudCallSign,
  getOpenData,
  getTempFileURL,
  getVoIPSign,
  getWXContext,
  init,
  logger,
  openapi,
  queue,
  signature,
  updateConfig,
  uploadFile,
  version,
}

/** A cloud beside the one that `init` opens, with what it is told itself. */
export function createNewInstance(options?: InitOptions): Instance<typeof ofTheSdk> {
  return newInstance(cloud, options)
}

/** The same as a class: `const other = new cloud.Cloud(options); await other.init()`. */
export const Cloud = function Cloud(options?: InitOptions) {
  return newInstance(cloud, options)
} as unknown as new (
  options?: InitOptions,
) => Instance<typeof ofTheSdk>

const ofTheSdk = {
  ai,
  auth,
  callFunction,
  callOpenAPI,
  cloudPay,
  DYNAMIC_CURRENT_ENV,
  database,
  deleteFile,
  downloadFile,
  getCloudCallSign,
  getOpenData,
  getTempFileURL,
  getVoIPSign,
  getWXContext,
  init,
  logger,
  openapi,
  queue,
  signature,
  updateConfig,
  uploadFile,
  version,
} as const

/** What `require('wx-server-sdk')` gives. */
const cloud = { ...ofTheSdk, Cloud, createNewInstance }

export default cloud
