import type { Clock } from '@nearcloud/protocol'
import type { Log } from '../../log-line.ts'
import { workerFile } from '../fork-worker.ts'
import { bundleSdk } from './bundle-sdk.ts'
import type { Isolation } from './isolation.ts'
import { Jail } from './jail.ts'
import { keepCompiled } from './keep-compiled.ts'

export interface JailWish {
  /** The folder with a folder for each function. */
  readonly folder: string
  /** Folders that no function may see, beside those of the other functions and of the server's user. */
  readonly secret?: readonly string[] | undefined
  /** Where the program of their processes is put, as few files that start quickly. Default: nowhere, it starts as it was built. */
  readonly runtimeFolder?: string | undefined
  /** How much a function is kept from; the most that the machine offers, unless told. */
  readonly isolation?: Isolation | undefined
  readonly log: Log
  readonly clock: Pick<Clock, 'after'>
}

/** The jail of a folder's functions, said to the log. `close` resolves when nothing is written to the runtime folder any more. */
export function openJail({ folder, secret = [], runtimeFolder, isolation, log, clock }: JailWish) {
  const program = workerFile()
  const jail = new Jail({ workerFile: program, root: folder, secret, ...(isolation && { isolation }) })
  const level = jail.isolation === 'namespaces' ? 'info' : 'warn'
  log({ level, event: 'functions.isolation', message: words[jail.isolation] })
  const slow = (error: Error) => {
    const message = `functions start slowly: their program could not be put together (${error.message})`
    log({ level: 'warn', event: 'functions.slowStart', message })
  }
  const cancels = new Set<() => void>()
  const keeping = new Set<Promise<void>>()
  const known = new Set<number>()
  /** A moment after the first process with such a heap was started, so that it has the machine for itself. */
  const keepLater = (file: string) => (memoryMb: number) => {
    if (known.has(memoryMb)) return
    known.add(memoryMb)
    const cancel = clock.after(quietMs, () => {
      cancels.delete(cancel)
      const kept = keepCompiled(file, memoryMb).catch(slow)
      keeping.add(kept)
      void kept.then(() => keeping.delete(kept))
    })
    cancels.add(cancel)
  }
  const bundled =
    runtimeFolder === undefined
      ? Promise.resolve()
      : bundleSdk(program, runtimeFolder).then(file => jail.use(file, keepLater(file)), slow)
  return {
    jail,
    async close() {
      await bundled
      for (const cancel of cancels) cancel()
      await Promise.all(keeping)
    },
  }
}

const quietMs = 1_000

const words: Readonly<Record<Isolation, string>> = {
  namespaces: 'functions run in namespaces of the operating system, and with permissions of Node',
  permissions:
    'functions run with permissions of Node only: this machine gives no namespaces (unshare, setpriv) to this user',
}
