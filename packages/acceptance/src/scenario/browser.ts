import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { onTestFinished } from 'vitest'
import { chromiumFlags, findChromium } from '../chromium.ts'
import { until } from './until.ts'

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

/** A Chromium process group of its own on a profile folder, to be killed whole. */
export async function startBrowserProcess(
  profile: string,
): Promise<{ browser: Browser; kill(): Promise<void> }> {
  rmSync(join(profile, 'DevToolsActivePort'), { force: true }) // the killed one's
  const chromiumProcess = spawn(
    findChromium(),
    [
      '--headless',
      '--remote-debugging-port=0',
      `--user-data-dir=${profile}`,
      ...chromiumFlags,
      'about:blank',
    ],
    { detached: true, stdio: 'ignore' },
  )
  const exited = new Promise<void>(resolve => chromiumProcess.once('exit', () => resolve()))
  const kill = () => {
    killGroup(chromiumProcess)
    return exited
  }
  onTestFinished(kill)
  const port = await until('Chromium says its port', () => portOf(profile))
  return { browser: await chromium.connectOverCDP(`http://127.0.0.1:${port}`), kill }
}

function portOf(profile: string): string | undefined {
  try {
    const [port, path] = readFileSync(join(profile, 'DevToolsActivePort'), 'utf8').split('\n')
    return path ? port : undefined
  } catch {
    return undefined
  }
}

function killGroup(child: ChildProcess): void {
  try {
    process.kill(-child.pid!, 'SIGKILL')
  } catch {
    // gone already
  }
}
