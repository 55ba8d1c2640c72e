import type { Log } from '../../log-line.ts'
import { workerFile } from '../fork-worker.ts'
import { bundleSdk } from './bundle-sdk.ts'
import type { Isolation } from './isolation.ts'
import { Jail } from './jail.ts'

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
}

/** The jail of a folder's functions, said to the log. `settled` resolves when nothing is written to the runtime folder any more. */
export function openJail({ folder, secret = [], runtimeFolder, isolation, log }: JailWish) {
  const program = workerFile()
  const jail = new Jail({ workerFile: program, root: folder, secret, ...(isolation && { isolation }) })
  const level = jail.isolation === 'namespaces' ? 'info' : 'warn'
  log({ level, event: 'functions.isolation', message: words[jail.isolation] })
  const slow = (error: Error) => {
    const message = `functions start slowly: their program could not be put together (${error.message})`
    log({ level: 'warn', event: 'functions.slowStart', message })
  }
  const settled =
    runtimeFolder === undefined
      ? Promise.resolve()
      : bundleSdk(program, runtimeFolder).then(file => jail.use(file), slow)
  return { jail, settled }
}

const words: Readonly<Record<Isolation, string>> = {
  namespaces: 'functions run in namespaces of the operating system, and with permissions of Node',
  permissions:
    'functions run with permissions of Node only: this machine gives no namespaces (unshare, setpriv) to this user',
}
