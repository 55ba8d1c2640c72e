import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { inFolder } from '../bench/measuring.ts'
import { killableBrowser } from '../killable-browser.ts'
import { servePage } from '../serve-page.ts'
import type { FoundInPage } from './browser-page.ts'

export interface KillsReport {
  readonly kills: number
  /** Writes that were told durable, and those found at the end. */
  readonly acknowledged: number
  readonly found: number
  readonly violations: readonly string[]
}

/**
 * A page of a real Chromium writes into its store and folds it; the whole browser is killed at some moment, again and again, and the
 * next one looks at what is there.
 */
export async function killBrowsers(
  kills: number,
  random: () => number,
  progress: (words: string) => void = () => undefined,
): Promise<KillsReport> {
  const page = await servePage(join(import.meta.dirname, '../../dist/crash/browser-page.js'))
  try {
    return await inFolder(async profile => {
      const violations: string[] = []
      let acknowledged = 0
      let found = 0
      for (let kill = 0; kill <= kills; kill++) {
        const life = await live(profile, page.url, kill < kills ? 20 + random() * 500 : undefined)
        const wrong = wrongIn(life.found, acknowledged)
        violations.push(...wrong.map(words => `after kill ${kill}: ${words}`))
        found = life.found.missing
        progress(`kill ${kill}: ${acknowledged} acknowledged, ${found} found ${wrong.join('; ')}`)
        acknowledged = Math.max(acknowledged, found, life.acknowledged)
      }
      return { kills, acknowledged, found, violations }
    })
  } finally {
    page.close()
  }
}

/** What a found store breaks of what was promised. */
export function wrongIn(
  { documents, missing, counted, pending, lost }: FoundInPage,
  acknowledged: number,
): readonly string[] {
  return [
    ...(missing < acknowledged ? [`${acknowledged} writes were acknowledged and ${missing} are there`] : []),
    ...(documents !== missing ? [`${documents} documents, and number ${missing} is missing`] : []),
    ...(counted !== missing ? [`half a write: ${missing} documents, counted ${counted}`] : []),
    ...(pending !== missing ? [`${missing} documents and ${pending} pending writes`] : []),
    ...(lost ? [`damaged: ${lost}`] : []),
  ]
}

/** `killAfterMs`: from the first durable write on; undefined: it only looks. */
async function live(
  profile: string,
  url: string,
  killAfterMs: number | undefined,
): Promise<{ readonly found: FoundInPage; readonly acknowledged: number }> {
  const { browser, kill } = await killableBrowser(profile)
  try {
    const page = await browser.contexts()[0]!.newPage()
    await page.goto(url)
    await page.waitForFunction(() => window.crashPage !== undefined)
    let acknowledged = 0
    let begun: () => void = () => undefined
    const isWriting = new Promise<void>(resolve => {
      begun = resolve
    })
    await page.exposeFunction('told', (durable: number) => {
      acknowledged = Math.max(acknowledged, durable)
      begun()
    })
    const found = await page.evaluate(() => window.crashPage.open())
    if (killAfterMs === undefined) return { found, acknowledged }
    // they end with the browser
    void page.evaluate(() => window.crashPage.write()).catch(() => undefined)
    void page.evaluate(() => window.crashPage.fold()).catch(() => undefined)
    await isWriting
    await after(killAfterMs)
    await kill()
    return { found, acknowledged }
  } finally {
    await kill()
  }
}
