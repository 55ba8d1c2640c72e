import { Host } from '@nearcloud/sync'
import type { Platform } from '../platform.ts'

/** The same platform for the tab that leads: it takes storages over from whoever has them, and shares its conversation. */
export function takingOver(platform: Platform): Platform {
  const { name, clock, random, defaultEndpoint, decodeText, text, onConnectivity } = platform
  const { ticket, storageState, persistStorage, pause } = platform
  return {
    name,
    clock,
    random,
    ...(defaultEndpoint !== undefined && { defaultEndpoint }),
    storage: name => platform.storage(name, 'takeOver'),
    host: parts => new Host(parts),
    transport: url => platform.transport(url),
    request: request => platform.request(request),
    readFile: file => platform.readFile(file),
    saveTemporary: (bytes, options) => platform.saveTemporary(bytes, options),
    ...(decodeText && { decodeText: bytes => decodeText.call(platform, bytes) }),
    ...(text && { text: () => text.call(platform) }),
    ...(ticket && { ticket: server => ticket.call(platform, server) }),
    ...(storageState && { storageState: () => storageState.call(platform) }),
    ...(persistStorage && { persistStorage: () => persistStorage.call(platform) }),
    ...(pause && { pause: () => pause.call(platform) }),
    ...(onConnectivity && { onConnectivity: listener => onConnectivity.call(platform, listener) }),
  }
}
