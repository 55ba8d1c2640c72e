import cloudbase from './cloudbase.ts'
import cloud from './index.ts'

/** The packages that are ours in a function, whatever is installed beside it: where they lie, and what `require` gives. */
export const provided: ReadonlyMap<string, { readonly url: string; readonly exports: unknown }> = new Map([
  ['wx-server-sdk', { url: new URL('./index.js', import.meta.url).href, exports: cloud }],
  ['@cloudbase/node-sdk', { url: new URL('./cloudbase.js', import.meta.url).href, exports: cloudbase }],
])
