/** Code that is held to a score: of small changes made in it, so many are found by its package's tests. */
export interface Module {
  readonly name: string
  /** Below `packages/`. */
  readonly package: string
  /** Files in it that are changed: paths, or folders with a slash at the end. */
  readonly files: readonly string[]
  /** Files of tests that have to find it. */
  readonly tests: readonly string[]
}

/** Tells the configuration of vitest which tests there are. */
export const testsVariable = 'NEARCLOUD_MUTATE_TESTS'

export const modules: readonly Module[] = [
  {
    name: 'codec',
    package: 'protocol',
    files: ['src/codec.ts'],
    tests: ['src/codec.test.ts', 'src/refusals.test.ts'],
  },
  {
    name: 'rules',
    package: 'server',
    files: ['src/rules/'],
    tests: ['src/rules/**/*.test.ts'],
  },
  {
    name: 'auth',
    package: 'server',
    files: ['src/auth/'],
    tests: ['src/auth/**/*.test.ts'],
  },
  {
    name: 'outbox',
    package: 'store',
    files: ['src/outbox.ts', 'src/rejected-list.ts', 'src/overlay.ts'],
    tests: ['src/**/*.test.ts'],
  },
]
