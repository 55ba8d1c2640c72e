export { createTabsCloud } from './create-tabs-cloud.ts'
export type { Aborted, Aborting, Channel, Crossing, LockOptions, Locks } from './crossing.ts'
export type { TabPlatform } from './tab-device.ts'
