import type { Cloud } from '../cloud.ts'
import { createCloudOf } from '../create-cloud.ts'
import { createTabAuth } from './tab-auth.ts'
import { TabDevice, type TabPlatform } from './tab-device.ts'

/** A cloud object in one tab of any number: they share the stores of their origin. */
export function createTabsCloud(platform: TabPlatform): Cloud {
  return createCloudOf(platform, {
    place: (setting, previous, events) => new TabDevice(platform, setting, previous, events),
    auth: createTabAuth,
  })
}
