import { CloudError } from '@nearcloud/protocol'
import { type My, myHost } from '../my-host.ts'
import { type AlipayCloud, createAlipayCloud } from './cloud.ts'

export { AlipayError, Sort } from '@nearcloud/query/dialects'
export type { Bindable, Binding, BindOptions, BoundPage } from '../bind.ts'
export { type My, myHost } from '../my-host.ts'
export { type FunctionCaller, functionTunnel, type Tunnel } from '../tunnel.ts'
export {
  type AlipayCallResult,
  type AlipayCloud,
  type AlipayContext,
  type AlipayDownloadOptions,
  type AlipayDownloadResult,
  type AlipayFileList,
  type AlipayInitOptions,
  type AlipayUploadResult,
  createAlipayCloud,
} from './cloud.ts'
export type { AlipayCallbacks } from './style.ts'

declare const my: My | undefined

/** The mini program's cloud object, as `my.cloud` is the original's. */
const cloud: AlipayCloud = createAlipayCloud(() => {
  if (typeof my === 'object' && my) return myHost(my)
  throw new CloudError('INVALID_PARAM', {
    errMsg:
      'init:fail there is no mini program of Alipay here: in WeChat import @nearcloud/miniprogram, in a page @nearcloud/browser',
  })
})
export default cloud
