import Taro from '@tarojs/taro'
import { useEffect, useState } from 'react'

const events = ['pending', 'accepted', 'rejected', 'online', 'offline', 'uploaded', 'uploadRejected']

/** What is in no document: is there a connection, and how much waits for it. */
export function useStatus() {
  const [status, setStatus] = useState(Taro.cloud.status)
  useEffect(() => {
    const refresh = () => setStatus(Taro.cloud.status())
    const stops = events.map(name => Taro.cloud.on(name, refresh))
    refresh()
    return () => {
      for (const stop of stops) stop()
    }
  }, [])
  return status
}
