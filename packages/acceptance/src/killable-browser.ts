import { type ChildProcess, spawn } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { type Browser, chromium } from 'playwright-core'
import { chromiumFlags, findChromium } from './chromium.ts'
import { until } from './scenario/until.ts'

export interface KillableBrowser {
  readonly browser: Browser
  kill(): Promise<void>
}

/** A Chromium process group of its own on a profile folder, to be killed whole. */
export async function killableBrowser(profile: string): Promise<KillableBrowser> {
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
  try {
    const port = await until('Chromium says its port', () => portOf(profile))
    return { browser: await chromium.connectOverCDP(`http://127.0.0.1:${port}`), kill }
  } catch (thrown) {
    await kill()
    throw thrown
  }
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
