/*
 * Functions that run on the device as well. An app's bundler takes this for `wx-server-sdk` in them, and the app gives them to
 * `init({ functions: offlineFunctions({ addTodo }) })`. Nothing else of the client imports it.
 */
import { offlineFunctions } from './offline-functions.ts'
import * as sdk from './sdk.ts'

export type { OfflineFunctions } from '../functions.ts'
export type { GivenFunction } from './offline-functions.ts'
export * from './sdk.ts'
export { offlineFunctions }

/** What `require('wx-server-sdk')` gives. */
export default sdk
