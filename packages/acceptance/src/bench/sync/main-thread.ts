import { type Browser, type CDPSession, chromium } from 'playwright-core'
import { chromiumFlags, findChromium } from '../../chromium.ts'
import { inFolder } from '../measuring.ts'
import type {} from '../page/page.ts'
import { startServer } from '../processes.ts'
import type { Found, Section } from '../section.ts'
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
    ([to, n, does, times]) => {
      performance.mark('nearcloud-sync')
      return window.bench.firstSync(to, n, does, times)
    },
    [env, documents, workerDoes, results] as const,
  )
  const done = new Promise(resolve => devtools.once('Tracing.tracingComplete', resolve))
  await devtools.send('Tracing.end')
  await done
  await context.close()
  const [mark, asked, answered] = ['nearcloud-sync', 'nearcloud-results', 'nearcloud-results-end'].map(
    word => {
      const found = events.find(({ name }) => name === word)
      if (!found) throw new Error(`the trace has no mark "${word}"`)
      return found
    },
  ) as [TraceEvent, TraceEvent, TraceEvent]
  const ofPage = events.filter(
    ({ name, pid, tid, ph }) => name === 'RunTask' && ph === 'X' && pid === mark.pid && tid === mark.tid,
  )
  // what the trace itself takes to begin is none of ours
  const tasks = ofPage.filter(({ ts }) => ts >= mark.ts && ts < asked.ts)
  const times = tasks.map(({ dur = 0 }) => dur / 1_000)
  const asking = ofPage.filter(({ ts }) => ts >= asked.ts && ts < answered.ts)
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

const cpuOf = ({ tdur = 0 }: TraceEvent) => tdur / 1_000

interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** These in microseconds; `tdur` of the processor. */
  readonly ts: number
  readonly dur?: number
  readonly tdur?: number
}

function collect(devtools: CDPSession): TraceEvent[] {
  const events: TraceEvent[] = []
  devtools.on('Tracing.dataCollected', ({ value }) => {
    for (const event of value) events.push(event as unknown as TraceEvent)
  })
  return events
}
