import { callFunction, DYNAMIC_CURRENT_ENV, database, getWXContext, init, logger, version } from './cloud.ts'

export type { InitOptions, WXContext } from './cloud.ts'
export { callFunction, DYNAMIC_CURRENT_ENV, database, getWXContext, init, logger, version }

/** What `require('wx-server-sdk')` gives. */
const cloud = { callFunction, DYNAMIC_CURRENT_ENV, database, getWXContext, init, logger, version } as const

export default cloud
