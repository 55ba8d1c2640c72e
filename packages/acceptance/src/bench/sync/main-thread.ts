import { type Browser, chromium } from 'playwright-core'
import { chromiumFlags, findChromium } from '../../chromium.ts'
import { inFolder } from '../measuring.ts'
import type {} from '../page/page.ts'
import { startServer } from '../processes.ts'
import type { Found, Section } from '../section.ts'
import { cpuOf, tasksBetween, timeOf, traced } from '../trace.ts'
import { buildPage } from './first-sync-browser.ts'

const documents = 50_000
const results = 50

/** What a first sync of 50,000 documents takes of a page's main thread, as Chromium's trace has it. */
export const mainThread: Section = {
  name: 'main-thread',
  run: () => inFolder(measure),
}

async function measure(site: string): Promise<Found> {
  await buildPage(site)
  const server = await startServer({ documents, site })
  const browser = await chromium.launch({ executablePath: findChromium(), args: [...chromiumFlags] })
  try {
    const { env, url } = server
    const alone = await measuredIn(browser, url, env)
    const withWorker = await measuredIn(browser, url, env, 'io')
    const withEngine = await measuredIn(browser, url, env, 'engine')
    return {
      absolute: {
        documents,
        ...named('', alone),
        ...named('withWorker', withWorker),
        ...named('withEngineInWorker', withEngine),
      },
    }
  } finally {
    await browser.close()
    server.stop()
  }
}

interface Tasks {
  readonly syncMs: number
  readonly longestMs: number
  /** Of the processor: a task is also as long as others keep it from the processor. */
  readonly longestCpuMs: number
  readonly busyMs: number
  readonly over16ms: number
  readonly over50ms: number
  /** Of the processor, for a result of a thousand documents. */
  readonly resultCpuMs: number
}

function named(prefix: string, tasks: Tasks): Record<string, number> {
  const words = Object.entries(tasks).map(([name, value]) => [
    prefix === '' ? name : `${prefix}${name[0]!.toUpperCase()}${name.slice(1)}`,
    value as number,
  ])
  return Object.fromEntries(words)
}

async function measuredIn(
  browser: Browser,
  url: string,
  env: string,
  workerDoes?: 'io' | 'engine',
): Promise<Tasks> {
  const context = await browser.newContext()
  const page = await context.newPage()
  page.on('pageerror', error => console.error(error))
  await page.goto(url)
  await page.waitForFunction(() => window.bench !== undefined)
  const { result: syncMs, events } = await traced(await browser.newBrowserCDPSession(), () =>
    page.evaluate(
      ([to, n, does, times]) => {
        performance.mark('nearcloud-sync')
        return window.bench.firstSync(to, n, does, times)
      },
      [env, documents, workerDoes, results] as const,
    ),
  )
  await context.close()
  const tasks = tasksBetween(events, 'nearcloud-sync', 'nearcloud-results')
  const times = tasks.map(timeOf)
  const asking = tasksBetween(events, 'nearcloud-results', 'nearcloud-results-end')
  return {
    syncMs,
    longestMs: Math.max(...times),
    longestCpuMs: Math.max(...tasks.map(cpuOf)),
    busyMs: times.reduce((sum, ms) => sum + ms, 0),
    over16ms: times.filter(ms => ms > 16).length,
    over50ms: times.filter(ms => ms > 50).length,
    resultCpuMs: asking.reduce((sum, task) => sum + cpuOf(task), 0) / results,
  }
}
