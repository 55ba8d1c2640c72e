import Taro from '@tarojs/taro'
import { useEffect, useState } from 'react'

/** The documents of a collection as they are now, the oldest first; of this user, whoever it is. */
export function useDocs(collection, onError) {
  const [docs, setDocs] = useState([])
  useEffect(() => {
    const begin = () =>
      Taro.cloud
        .database()
        .collection(collection)
        .orderBy('createdAt', 'asc')
        .watch({
          onChange: snapshot => setDocs(snapshot.docs),
          onError: error => {
            // the next user's has begun
            if (error.code !== 'USER_CHANGED') onError(error)
          },
        })
    let watch = begin()
    const stop = Taro.cloud.on('userChanged', () => {
      watch = begin()
    })
    return () => {
      stop()
      watch.close()
    }
  }, [])
  return docs
}
