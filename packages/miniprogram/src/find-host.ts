import { CloudError } from '@nearcloud/protocol'
import type { Host } from './host.ts'
import { type Wx, wxHost } from './wx-host.ts'

declare const wx: Wx | undefined

/** The host this code runs in. Throws INVALID_PARAM where there is none. */
export function findHost(): Host {
  if (typeof wx === 'object' && wx) return wxHost(wx)
  throw new CloudError('INVALID_PARAM', {
    errMsg:
      'init:fail there is no mini program here: in a page import @nearcloud/browser, in Node @nearcloud/node',
  })
}
