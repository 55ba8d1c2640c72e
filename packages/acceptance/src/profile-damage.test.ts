import { cpSync, readdirSync, readFileSync, statSync, truncateSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium, type Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { chromiumFlags, findChromium } from './chromium.ts'
import { testFolder } from './scenario/folder.ts'
import { openTo, startServer } from './scenario/server.ts'
import { buildSite } from './scenario/site.ts'

/*
 * A profile of Chromium is damaged while it is closed: bits flipped in every file of IndexedDB of a kind, files cut. Chromium notices some of
 * it itself and gives an emptied database, or a value it cannot read; the rest is the store's to notice.
 */
const damages: readonly (readonly [
  name: string,
  isMeant: (path: string) => boolean,
  harm: (path: string) => void,
])[] = [
  ['bits flipped in large values', isLargeValue, flipBits],
  ['large values cut', isLargeValue, cutInHalf],
  ['bits flipped in tables and logs', isTable, flipBits],
  ['tables and logs cut', isTable, cutInHalf],
]

test('[LOG-4][SURVIVE-3] a profile that was damaged while it was closed opens, and the server brings what is missing', async () => {
  const site = testFolder('site')
  await buildSite(site)
  const server = await startServer({ rules: openTo('notes'), site })
  const notes = server.database().collection('notes')
  const expected = Array.from({ length: 1_500 }, (_, n) => ({
    _id: `note${String(n).padStart(5, '0')}`,
    n,
    text: noise(n, 400),
  }))
  for (let at = 0; at < expected.length; at += 100)
    await Promise.all(expected.slice(at, at + 100).map(data => notes.add({ data })))
  const profile = testFolder('profile')
  await inProfile(profile, async page => {
    await open(page, server)
    await page.evaluate(() => window.app.cloud.whenSynced())
  })

  const outcomes: Record<string, unknown> = {}
  for (const [name, isMeant, harm] of damages) {
    const copy = testFolder('copy')
    cpSync(profile, copy, { recursive: true })
    const files = filesOf(join(copy, 'Default', 'IndexedDB')).filter(isMeant)
    expect(files.length).toBeGreaterThan(0)
    for (const file of files) harm(file)
    await inProfile(copy, async page => {
      await open(page, server)
      await page.evaluate(() => window.app.cloud.whenSynced())
      const count = await page.evaluate(() => window.app.cloud.database().collection('notes').count())
      expect([name, count.total]).toEqual([name, expected.length])
      const { data } = await page.evaluate(
        () =>
          window.app.cloud.database().collection('notes').orderBy('n', 'asc').limit(1_000).get() as Promise<{
            data: unknown[]
          }>,
      )
      expect(data).toMatchObject(expected.slice(0, 1_000))
      outcomes[name] = await page
        .evaluate(() => window.app.cloud.storage.health())
        .then(({ damage }) => damage?.lost)
    })
  }
  expect(outcomes['bits flipped in large values']).toBeDefined()
  expect(outcomes['large values cut']).toBeDefined()
  // Chromium has made an empty database in its place
  expect(outcomes['bits flipped in tables and logs']).toBe('everything')
}, 180_000)

async function inProfile(profile: string, work: (page: Page) => Promise<void>): Promise<void> {
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: findChromium(),
    args: [...chromiumFlags],
  })
  try {
    await work(await context.newPage())
  } finally {
    await context.close()
  }
}

async function open(page: Page, server: { url: string; env: string }): Promise<void> {
  await page.goto(server.url)
  await page.evaluate(opening => window.app.open(opening), { env: server.env, collection: 'notes' })
}

function filesOf(folder: string): string[] {
  return readdirSync(folder, { withFileTypes: true }).flatMap(entry => {
    const path = join(folder, entry.name)
    return entry.isDirectory() ? filesOf(path) : [path]
  })
}

/** Chromium keeps values of more than 64 KB in files of their own. */
function isLargeValue(path: string): boolean {
  return path.includes('.indexeddb.blob') && statSync(path).size > 0
}

function isTable(path: string): boolean {
  return /\.(log|ldb)$/.test(path) && statSync(path).size > 0
}

/** Some, far enough behind the beginning to be in what was written. */
function flipBits(path: string): void {
  const bytes = readFileSync(path)
  for (let n = 1; n <= 5; n++) bytes[Math.floor((bytes.length * n) / 6)]! ^= 1 << n
  writeFileSync(path, bytes)
}

function cutInHalf(path: string): void {
  truncateSync(path, Math.floor(statSync(path).size / 2))
}

/** Text that cannot be compressed much. */
function noise(seed: number, length: number): string {
  let [state, text] = [(seed * 2_654_435_761) >>> 0 || 1, '']
  while (text.length < length) {
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d) + 0x9e3779b9
    text += String.fromCharCode(33 + ((state >>> 8) % 90))
  }
  return text
}
