import { playwright } from '@vitest/browser-playwright'
import { defineConfig } from 'vitest/config'
import { chromiumFlags, findChromium } from './packages/acceptance/src/chromium.ts'

const source = { resolve: { conditions: ['source'] }, ssr: { resolve: { conditions: ['source'] } } }

/** When a test hangs: no test asks how long something takes. */
const patience = { testTimeout: 180_000, hookTimeout: 180_000, expect: { poll: { timeout: 30_000 } } }

/** Two kinds of tests: `*.test.ts` run in Node, `*.browser.test.ts` in real Chromium. */
export default defineConfig(() => ({
  test: {
    reporters: ['default', './packages/acceptance/summary-reporter.ts'],
    projects: [
      {
        ...source,
        test: {
          name: 'node',
          include: ['packages/*/src/**/*.test.ts', 'examples/*/**/*.test.ts'],
          exclude: ['**/node_modules/**', '**/dist/**', '**/*.browser.test.ts'],
          ...patience,
        },
      },
      {
        ...source,
        test: {
          name: 'browser',
          include: ['packages/*/src/**/*.browser.test.ts'],
          ...patience,
          browser: {
            enabled: true,
            headless: true,
            screenshotFailures: false,
            provider: playwright({
              launchOptions: {
                executablePath: findChromium(),
                args: [...chromiumFlags],
              },
            }),
            instances: [{ browser: 'chromium' as const }],
          },
        },
      },
    ],
  },
}))
