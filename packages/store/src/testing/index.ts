// what is fetched when it is needed is here at once: how long a first fetch takes no seed says
import '../reserve.ts'

export { type Fault, MemoryMedium, MemoryStorage, type MemoryStorageOptions } from '../memory-storage.ts'
export { seededRandom } from './seeded-random.ts'
export { type SuiteOptions, type SuiteRunner, storageSuite, type TestMedium } from './storage-suite.ts'
export { settle, TestClock } from './test-clock.ts'
export { openTestStore, words } from './test-store.ts'
