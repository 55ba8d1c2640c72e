import type { Store } from '@nearcloud/store'
import type { Fault as MediumFault } from '@nearcloud/store/testing'
import type { Sync } from '@nearcloud/sync'
import { Device, type DeviceOptions, type Process } from './device.ts'
import type { SharedDevice } from './shared-device.ts'

/** What one of the users of a shared device has on it: as a device of their own, whose processes live while they are the active one. */
export class Tenant extends Device {
  readonly slot: string
  readonly #shared: SharedDevice
  /** Their processes so far. */
  lives = 0

  constructor(options: DeviceOptions, slot: string, shared: SharedDevice) {
    super(options)
    this.slot = slot
    this.#shared = shared
  }

  override get live(): Process | undefined {
    const { process } = this
    return process?.isOpen && this.#shared.isSeated(process) ? process : undefined
  }

  override boot(): void {
    this.#shared.boot()
  }

  override crash(): void {
    this.#shared.crash()
  }

  /** No file of a shared device is set back apart from the others. */
  override save(): undefined {
    return undefined
  }

  /** It may be the register that cannot be written. */
  override faultAt(step: number, kind: MediumFault): void {
    if (this.#shared.isRegisterMeant) this.#shared.register.faultAt(step, kind)
    else super.faultAt(step, kind)
  }

  /** Their turn begins. */
  begin(process: Process, store: Store, sync: Sync): void {
    this.process = process
    this.disk = this.#shared.diskOf(this.medium)
    this.attend(process, store, sync)
    this.followAll(process)
  }
}
