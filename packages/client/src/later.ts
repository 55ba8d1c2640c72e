import { CloudError, toCloudError } from '@nearcloud/protocol'
import type { ClientExecutor, Executor } from '@nearcloud/query'

/** An executor that is not there yet: what is asked waits for it, and fails with its reason if it never comes. */
export function later(coming: () => Promise<ClientExecutor>): Required<Executor> {
  return {
    run: async run => (await coming()).run(run),
    commit: async commit => (await coming()).commit(commit),
    async text(place) {
      const executor = await coming()
      if (executor.text) return executor.text(place)
      throw new CloudError('INVALID_PARAM', { errMsg: 'document.text:fail there are no texts to edit here' })
    },
    watch(query, observer) {
      let isClosed = false
      const watching = coming().then(executor => (isClosed ? undefined : executor.watch(query, observer)))
      watching.catch((thrown: unknown) => {
        if (!isClosed) observer.error(toCloudError(thrown))
      })
      return {
        async close() {
          isClosed = true
          await watching.then(
            watch => watch?.close(),
            () => undefined,
          )
        },
      }
    },
    follow(query, options) {
      let isClosed = false
      const opening = coming().then(executor => executor.follow(query, options))
      const ready = opening.then(following => {
        if (isClosed) following.close()
        return following.ready
      })
      ready.catch(() => undefined) // told by the error event as well
      return {
        ready,
        close() {
          if (isClosed) return
          isClosed = true
          // with a store that is closed by now everything has ended
          void opening.then(following => following.close()).catch(() => undefined)
        },
      }
    },
  }
}
