import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { type BrowserContext, chromium, type Page } from 'playwright-core'
import { chromiumFlags, findChromium } from '../../chromium.ts'
import { servePage } from '../../serve-page.ts'
import { inFolder } from '../measuring.ts'
import { cpuOf, tasksBetween, timeOf, traced } from '../trace.ts'
import { coldAnswers, coldBegins, coldEnds, type Figures } from './engine.ts'
import type {} from './offer.ts'

export const engineNames = ['nearcloud', 'dexie', 'rxdb', 'raw', 'pouchdb', 'tinybase', 'tanstack'] as const
export type EngineName = (typeof engineNames)[number]

const files: Readonly<Record<EngineName, string>> = {
  nearcloud: 'ours',
  dexie: 'dexie',
  rxdb: 'rxdb',
  raw: 'raw',
  pouchdb: 'pouch',
  tinybase: 'tinybase',
  tanstack: 'tanstack',
}

/** The page of an engine, on an origin of its own. */
export interface Site {
  readonly engine: EngineName
  readonly url: string
  close(): void
}

export async function openSite(engine: EngineName): Promise<Site> {
  return { engine, ...(await servePage(join(import.meta.dirname, `engines/${files[engine]}.js`))) }
}

/** One round of one engine: a fresh profile; filled and used; then the browser is started again on it: for the clock, and for a trace. */
export function round(site: Site, documents: number, { memory = false } = {}): Promise<Figures> {
  return inFolder(async profile => {
    const used = await inPage(profile, site.url, page =>
      page.evaluate(n => window.storeBench.run(n), documents),
    )
    const diskBytes = bytesOf(join(profile, 'Default', 'IndexedDB'))
    const cold = await inPage(profile, site.url, page => page.evaluate(() => window.storeBench.cold()))
    const blocks = await inPage(profile, site.url, traceOfCold)
    const heap = memory
      ? await inPage(profile, site.url, page => page.evaluate(n => window.storeBench.memory(n), documents))
      : {}
    return { ...used, ...cold, ...blocks, ...heap, diskBytes }
  })
}

/** What the page's thread does in a cold start, as Chromium's trace has it: nothing in the page looks at it. */
async function traceOfCold(page: Page): Promise<Figures> {
  const devtools = await page.context().newCDPSession(page)
  const { events } = await traced(devtools, () => page.evaluate(() => window.storeBench.cold()))
  const tasks = tasksBetween(events, coldBegins, coldEnds)
  return {
    coldBlock: Math.max(...tasks.map(timeOf)),
    coldBlockCpu: Math.max(...tasks.map(cpuOf)),
    coldCpu: tasksBetween(events, coldBegins, coldAnswers).reduce((sum, task) => sum + cpuOf(task), 0),
  }
}

async function inPage<T>(profile: string, url: string, work: (page: Page) => Promise<T>): Promise<T> {
  const context = await launch(profile)
  try {
    const page = await context.newPage()
    page.on('pageerror', error => console.error(error))
    await page.goto(url)
    await page.waitForFunction(() => window.storeBench !== undefined)
    return await work(page)
  } finally {
    await context.close().catch(() => undefined) // it may have died of what it was asked
  }
}

function launch(profile: string): Promise<BrowserContext> {
  return chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    args: [...chromiumFlags, '--enable-precise-memory-info', '--js-flags=--expose-gc'],
  })
}

function bytesOf(folder: string): number {
  let total = 0
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    total += entry.isDirectory() ? bytesOf(path) : statSync(path).size
  }
  return total
}
