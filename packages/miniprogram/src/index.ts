import './text-types.ts'
import { createMiniCloud, type MiniCloud } from './cloud.ts'
import { findHost } from './find-host.ts'

export type { Bindable, Binding, BindOptions, BoundPage } from './bind.ts'
export { createMiniCloud, type MiniCloud, type MiniDatabase } from './cloud.ts'
export { FileStorage, type FileStorageOptions } from './file-storage.ts'
export type { Host, HostFiles, HostKeys, HostSocket, HostSocketListener } from './host.ts'
export type { MiniInitOptions } from './hosted-client.ts'
export { miniPlatform, type PlatformOptions } from './platform.ts'
export { SocketTransport, type SocketTransportOptions } from './socket-transport.ts'
export {
  type ContainerCaller,
  containerTunnel,
  type FunctionCaller,
  functionTunnel,
  type Tunnel,
} from './tunnel.ts'
export { type Wx, wxHost } from './wx-host.ts'

/** The mini program's cloud object, as `wx.cloud` is the original's. */
const cloud: MiniCloud = createMiniCloud(findHost)
export default cloud
