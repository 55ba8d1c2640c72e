import { type Browser, type CDPSession, chromium } from 'playwright-core'
import { chromiumFlags, findChromium } from '../../chromium.ts'
import { inFolder } from '../measuring.ts'
import type {} from '../page/page.ts'
import { startServer } from '../processes.ts'
import type { Found, Section } from '../section.ts'
import { buildPage } from './first-sync-browser.ts'

const documents = 50_000

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
    const alone = await traced(browser, url, env)
    const withWorker = await traced(browser, url, env, 'io')
    const withEngine = await traced(browser, url, env, 'engine')
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
  readonly busyMs: number
  readonly over16ms: number
  readonly over50ms: number
}

function named(prefix: string, tasks: Tasks): Record<string, number> {
  const words = Object.entries(tasks).map(([name, value]) => [
    prefix === '' ? name : `${prefix}${name[0]!.toUpperCase()}${name.slice(1)}`,
    value as number,
  ])
  return Object.fromEntries(words)
}

async function traced(
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
  await page.evaluate(() => performance.mark('begins'))
  const devtools = await browser.newBrowserCDPSession()
  const events = collect(devtools)
  await devtools.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: {
      includedCategories: [
        'disabled-by-default-devtools.timeline',
        'devtools.timeline',
        'toplevel',
        'blink.user_timing',
      ],
    },
  })
  const syncMs = await page.evaluate(
    ([to, n, does]) => {
      performance.mark('nearcloud-sync')
      return window.bench.firstSync(to, n, does)
    },
    [env, documents, workerDoes] as const,
  )
  const done = new Promise(resolve => devtools.once('Tracing.tracingComplete', resolve))
  await devtools.send('Tracing.end')
  await done
  await context.close()
  const mark = events.find(({ name }) => name === 'nearcloud-sync')
  if (!mark) throw new Error('the trace has no mark')
  const tasks = events
    .filter(
      ({ name, pid, tid, ph }) => name === 'RunTask' && ph === 'X' && pid === mark.pid && tid === mark.tid,
    )
    .map(({ dur = 0 }) => dur / 1_000)
  return {
    syncMs,
    longestMs: Math.max(...tasks),
    busyMs: tasks.reduce((sum, ms) => sum + ms, 0),
    over16ms: tasks.filter(ms => ms > 16).length,
    over50ms: tasks.filter(ms => ms > 50).length,
  }
}

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** In microseconds. */
  readonly dur?: number
}

function collect(devtools: CDPSession): TraceEvent[] {
  const events: TraceEvent[] = []
  devtools.on('Tracing.dataCollected', ({ value }) => {
    for (const event of value) events.push(event as unknown as TraceEvent)
  })
  return events
}
