import { type Browser, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { chromiumFlags, findChromium } from '../chromium.ts'
import { type KillableBrowser, killableBrowser } from '../killable-browser.ts'

/** A headless Chromium, closed after the test. */
export async function openBrowser(): Promise<Browser> {
  const browser = await chromium.launch({ executablePath: findChromium(), args: [...chromiumFlags] })
  onTestFinished(() => browser.close())
  return browser
}

/** A page in a window of its own: own storage, own network switch. What the page logs as an error fails the test. */
export async function openWindow(
  browser: Browser,
  url: string,
  options: { locale?: string } = {},
): Promise<Page> {
  const context = await browser.newContext(options)
  const page = await context.newPage()
  await page.goto(url)
  return page
}

/** As `killableBrowser`; what is left of it is killed after the test. */
export async function startBrowserProcess(profile: string): Promise<KillableBrowser> {
  const started = await killableBrowser(profile)
  onTestFinished(started.kill)
  return started
}
