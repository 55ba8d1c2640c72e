/** Node's, loaded when it is first needed: a function that hashes nothing starts sooner. */
export const hashing = (): typeof import('node:crypto') => process.getBuiltinModule('node:crypto')
