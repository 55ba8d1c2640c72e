export type { Host } from './host.ts'
export { runNearcloud } from './run.ts'
