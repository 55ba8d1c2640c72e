import type { Executor } from '@nearcloud/query'
import type { FileWork } from '../files.ts'
import type { DeviceUser } from '../identity/register.ts'
import type { Instance } from '../instance.ts'
import type { AuthMethod } from './messages.ts'

/** Where the work of one user is done for this tab: here, or in the tab that leads. */
export interface Engine {
  readonly user: DeviceUser
  readonly instance: Instance
  readonly executor: Required<Executor>
  readonly files: FileWork
  auth(method: AuthMethod, args: readonly unknown[]): Promise<unknown>
  setOffline(isOffline: boolean): void
  /** The tab is leaving. */
  close(): Promise<void>
}
