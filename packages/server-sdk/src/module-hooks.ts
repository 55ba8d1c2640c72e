/* Loaded by Node into the thread of its module hooks: what a function imports as the SDK is this package. */
import type { InitializeHook, ResolveHook } from 'node:module'

let urls: ReadonlyMap<string, string>

export const initialize: InitializeHook<ReadonlyMap<string, string>> = given => {
  urls = given
}

export const resolve: ResolveHook = (specifier, context, next) => {
  const url = urls.get(specifier)
  return url === undefined ? next(specifier, context) : { url, format: 'module', shortCircuit: true }
}
