import { onUnmounted, shallowRef } from 'vue'
import cloud from './cloud'

/** The documents of a collection as they are now, the oldest first; of this user, whoever it is. */
export function useDocs(collection, onError) {
  const docs = shallowRef([])
  const query = cloud.database().collection(collection).orderBy('createdAt', 'asc')
  const begin = () =>
    query.watch({
      onChange: snapshot => {
        docs.value = snapshot.docs
      },
      onError: error => {
        // the next user's has begun
        if (error.code !== 'USER_CHANGED') onError(error)
      },
    })
  let watch = begin()
  const stop = cloud.on('userChanged', () => {
    watch = begin()
  })
  onUnmounted(() => {
    stop()
    watch.close()
  })
  return docs
}
