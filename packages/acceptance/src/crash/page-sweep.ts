import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { chromiumFlags, findChromium } from '../chromium.ts'
import { servePage } from '../serve-page.ts'
import { type ClientDeed, clientDeeds } from './client-deeds.ts'
import { judgeDeed } from './deed-documents.ts'
import type {} from './deeds-page.ts'
import { type Fault, faultKinds } from './faulty-storage.ts'

export interface PageSweepOptions {
  /** Only deeds with this in their name. */
  readonly only?: string
  readonly kinds?: readonly Fault['how'][]
  readonly progress?: (words: string) => void
}

export interface PageSweepReport {
  points: number
  /** By deed: at how many calls it failed or stopped. */
  readonly calls: Record<string, number>
  made: number
  unmade: number
  acknowledged: number
  readonly violations: string[]
}

/**
 * A client in a page of Chromium, over its IndexedDB: each call of its storages fails, or never answers and the page is loaded anew,
 * for each deed. What was acknowledged is there afterwards; all of the deed is, or nothing; documents and outbox say the same.
 */
export async function sweepPage(options: PageSweepOptions = {}): Promise<PageSweepReport> {
  const { only = '', kinds = faultKinds, progress = () => undefined } = options
  const report: PageSweepReport = {
    points: 0,
    calls: {},
    made: 0,
    unmade: 0,
    acknowledged: 0,
    violations: [],
  }
  const site = await servePage(join(import.meta.dirname, '../../dist/crash/deeds-page.js'))
  const browser = await chromium.launch({ executablePath: findChromium(), args: [...chromiumFlags] })
  try {
    const page = await browser.newPage()
    const begin = async () => {
      await page.goto(site.url)
      await page.waitForFunction(() => window.deedsPage !== undefined)
    }
    await begin()
    await page.evaluate(() => window.deedsPage.prepare('first'))

    /** False when the deed was done before the call came. */
    const breakAt = async (deed: ClientDeed, fault: Fault): Promise<boolean> => {
      const given = { place: `point${++report.points}`, deed: deed.name, fault }
      const life = await page.evaluate(async ({ place, deed, fault }) => {
        await window.deedsPage.copy('first', place)
        return window.deedsPage.live(place, deed, fault)
      }, given)
      if (life.isFired && fault.how.startsWith('stop')) await begin()
      const { shown, pending } = await page.evaluate(place => window.deedsPage.look(place), given.place)
      const { isMade, wrong } = judgeDeed(deed, shown, pending, life.isAcknowledged)
      const isWhole = life.isFired || life.isAcknowledged
      for (const words of isWhole ? wrong : [...wrong, 'nothing failed, and it was not acknowledged'])
        report.violations.push(`${deed.name}, ${fault.how} at call ${fault.call}: ${words}`)
      report[isMade ? 'made' : 'unmade']++
      if (life.isAcknowledged) report.acknowledged++
      return life.isFired
    }

    for (const deed of clientDeeds.filter(({ name }) => name.includes(only))) {
      for (const how of kinds)
        for (let call = 1; await breakAt(deed, { call, how }); call++) report.calls[deed.name] = call
      progress(`${deed.name}: ${report.calls[deed.name] ?? 0} calls`)
    }
    return report
  } finally {
    await browser.close()
    site.close()
  }
}
