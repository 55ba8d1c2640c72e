/* Loaded by Node into the thread of its module hooks: `import 'wx-server-sdk'` is this package. */
import type { InitializeHook, ResolveHook } from 'node:module'

let sdk: string

export const initialize: InitializeHook<string> = url => {
  sdk = url
}

export const resolve: ResolveHook = (specifier, context, next) =>
  specifier === 'wx-server-sdk'
    ? { url: sdk, format: 'module', shortCircuit: true }
    : next(specifier, context)
