import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const places = [
  process.env.CHROMIUM_PATH,
  '/usr/bin/chromium',
  '/usr/bin/chromium-browser',
  '/usr/bin/google-chrome',
  '/snap/bin/chromium',
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
]

/** For a Chromium that runs as root, without a screen, and calls nobody. */
export const chromiumFlags: readonly string[] = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]

/**
 * The path of a Chromium to test in. As root on Debian it installs the `chromium` package when there is none.
 *
 * Throws with the sentence that says what to install where it cannot: a browser test never skips silently.
 */
export function findChromium(): string {
  const found = installed()
  if (found) return found
  if (process.platform === 'linux' && process.getuid?.() === 0 && existsSync('/usr/bin/apt-get')) {
    console.log('Installing the chromium package for the browser tests …')
    const apt = (...words: string[]) =>
      execFileSync('apt-get', words, {
        stdio: 'ignore',
        env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
      })
    try {
      apt('update')
      apt('install', '-y', '--no-install-recommends', 'chromium')
    } catch {
      throw new Error(advice)
    }
    const now = installed()
    if (now) return now
  }
  throw new Error(advice)
}

const advice =
  'The browser tests need Chromium. Install it (Debian or Ubuntu: "apt-get install chromium"; macOS: Google Chrome) or set CHROMIUM_PATH to its executable.'

function installed(): string | undefined {
  return places.find((path): path is string => path !== undefined && existsSync(path))
}
