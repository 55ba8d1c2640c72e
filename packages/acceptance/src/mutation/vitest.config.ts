import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'
import { testsVariable } from './modules.ts'

/** The tests of one module, as `pnpm mutate` names them. */
export default defineConfig({
  root: process.cwd(),
  resolve: { conditions: ['source'] },
  ssr: { resolve: { conditions: ['source'] } },
  test: {
    // a worker for each file is most of the time, and none of them leaves anything behind
    isolate: false,
    include: (process.env[testsVariable] ?? '').split(','),
    setupFiles: [fileURLToPath(new URL('./short-properties.js', import.meta.url))],
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})
