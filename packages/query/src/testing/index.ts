export { MemoryExecutor } from './memory-executor.ts'
