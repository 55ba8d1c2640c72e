import { CloudError } from '@nearcloud/protocol'
import {
  callByName,
  type callFunction,
  type database,
  type InitOptions,
  openDatabase,
  warnOfOtherEnv,
} from './cloud.ts'

/** What an instance has of its own; everything else is the SDK's. */
interface OwnParts {
  init(options?: InitOptions): Promise<void>
  updateConfig(options?: InitOptions): void
  database: typeof database
  callFunction: typeof callFunction
}

export type Instance<Sdk> = Omit<Sdk, keyof OwnParts> & OwnParts

/** Ready at once when it is given options, after its `init` otherwise. */
export function newInstance<Sdk extends object>(sdk: Sdk, options?: InitOptions): Instance<Sdk> {
  let settings = options
  if (options) warnOfOtherEnv(options)
  const told = (): InitOptions => {
    if (settings) return settings
    throw new CloudError('NOT_INITIALIZED', { errMsg: "Cloud API isn't enabled, please call init first" })
  }
  const own: OwnParts = {
    async init(more = {}) {
      settings = { ...settings, ...more }
      warnOfOtherEnv(settings)
    },
    updateConfig(more = {}) {
      settings = { ...told(), ...more }
    },
    database: ((more?: { throwOnNotFound?: boolean }) =>
      openDatabase({ ...told(), ...more })) as typeof database,
    async callFunction(call) {
      told()
      return callByName(call)
    },
  }
  return Object.assign(Object.create(sdk) as Sdk, own)
}
