import { onUnmounted, shallowRef } from 'vue'
import cloud from './cloud'

const events = ['pending', 'accepted', 'rejected', 'online', 'offline', 'uploaded', 'uploadRejected']

/** What is in no document: is there a connection, and how much waits for it. */
export function useStatus() {
  const status = shallowRef(cloud.status())
  const refresh = () => {
    status.value = cloud.status()
  }
  const stops = events.map(name => cloud.on(name, refresh))
  onUnmounted(() => {
    for (const stop of stops) stop()
  })
  return status
}
