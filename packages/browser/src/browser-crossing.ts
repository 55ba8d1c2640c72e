import type { TabPlatform } from '@nearcloud/client/tabs'

/** The browser's Web Locks and BroadcastChannel; undefined where it has none. */
export function browserCrossing(): Pick<TabPlatform, 'crossing' | 'aborting'> | undefined {
  const locks = (globalThis.navigator as Navigator | undefined)?.locks
  if (!locks || typeof BroadcastChannel === 'undefined') return undefined
  return {
    aborting() {
      const controller = new AbortController()
      return { signal: controller.signal, abort: () => controller.abort() }
    },
    crossing: {
      locks: {
        request: (name, { steal, signal }, hold) =>
          locks.request(
            name,
            { ...(steal && { steal }), ...(signal && { signal: signal as AbortSignal }) },
            () => hold(),
          ),
      },
      channel(name) {
        const channel = new BroadcastChannel(name)
        return {
          post: message => channel.postMessage(message),
          listen(listener) {
            channel.onmessage = ({ data }) => listener(data)
          },
          close: () => channel.close(),
        }
      },
    },
  }
}
