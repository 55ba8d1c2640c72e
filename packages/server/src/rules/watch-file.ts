import { type FSWatcher, watchFile as pollFile, unwatchFile, watch } from 'node:fs'
import { basename, dirname } from 'node:path'

/**
 * Calls `changed` after the file changed, appeared or went: soon after the last of a burst, and never twice at a time.
 *
 * The folder is watched, since editors replace files; where the system cannot watch, the file is looked at every
 * second.
 */
export function watchFile(path: string, changed: () => Promise<void>): { close(): void } {
  let timer: NodeJS.Timeout | undefined
  let running = false
  let again = false
  let closed = false

  async function run(): Promise<void> {
    if (closed) return
    if (running) {
      again = true
      return
    }
    running = true
    await changed()
    running = false
    if (!again) return
    again = false
    await run()
  }

  function soon(): void {
    clearTimeout(timer)
    timer = setTimeout(() => void run(), settleMs)
  }

  const poll = () => {
    if (!closed) pollFile(path, { interval: pollMs, persistent: false }, soon)
  }
  let watcher: FSWatcher | undefined
  try {
    watcher = watch(dirname(path), { persistent: false }, (_event, name) => {
      if (name === null || name === basename(path)) soon()
    })
    watcher.on('error', () => {
      watcher?.close()
      poll()
    })
  } catch {
    poll()
  }
  // what changed before the watch began
  soon()

  return {
    close() {
      closed = true
      clearTimeout(timer)
      watcher?.close()
      unwatchFile(path, soon)
    },
  }
}

/** Time for whoever writes the file to finish. */
const settleMs = 20
const pollMs = 1_000
