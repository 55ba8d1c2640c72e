export { type Fault, MemoryMedium, MemoryStorage, type MemoryStorageOptions } from './memory-storage.ts'
export { settle, TestClock } from './test-clock.ts'
