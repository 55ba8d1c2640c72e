export { type Fault, MemoryMedium, MemoryStorage, type MemoryStorageOptions } from './memory-storage.ts'
export { type SuiteOptions, type SuiteRunner, storageSuite, type TestMedium } from './storage-suite.ts'
export { settle, TestClock } from './test-clock.ts'
