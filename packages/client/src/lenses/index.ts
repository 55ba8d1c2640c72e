/*
 * Documents in the shape of this release over documents in the shape of the first: for `init({ lenses: lenses({ … }) })`. Nothing else of
 * the client imports it.
 */
export type { Lenses } from '../lenses.ts'
export { lenses } from './lenses.ts'
export type { Lens } from './read-steps.ts'
