import { readdir, truncate, unlink } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import type { LogLine } from '../log-line.ts'
import { ann, openShop } from './testing/open-shop.ts'

test('[FILE-28] a server that starts, and each day, says which files lost their bytes, and goes on', async () => {
  const lines: LogLine[] = []
  const shop = await openShop(undefined, { log: line => lines.push(line) })
  const told = () => lines.filter(({ event }) => event === 'files.damaged')
  const blobs = join(shop.folder, 'files', 'blobs')
  const files = async () => {
    const all = await readdir(blobs, { recursive: true, withFileTypes: true })
    return new Set(all.flatMap(entry => (entry.isFile() ? join(entry.parentPath, entry.name) : [])))
  }
  await shop.upload(ann, 'well.txt', 'abc')
  const before = await files()
  const ids: string[] = []
  for (const path of ['gone.txt', 'short.txt']) ids.push(await shop.upload(ann, path, path))
  const [gone, short] = [...(await files())].filter(path => !before.has(path))
  await shop.close()
  expect(told()).toEqual([])
  await unlink(gone!)
  await truncate(short!, 2)
  await shop.restart()
  await expect.poll(told).toHaveLength(1)
  expect(told()[0]).toMatchObject({ level: 'error', facts: { count: 2 } })
  for (const id of ids) expect(told()[0]!.message).toContain(id)
  expect(told()[0]!.message).not.toContain('well')
  expect(await shop.records()).toHaveLength(3)
  for (let hour = 0; hour < 24; hour++) shop.clock.advance(3_600_000)
  await expect.poll(told).toHaveLength(2) // a day later
})

test('[FILE-28] a file that lost its bytes is there again when the same is uploaded', async () => {
  const shop = await openShop()
  const fileID = await shop.upload(ann, 'a.txt', 'abc')
  const blobs = join(shop.folder, 'files', 'blobs')
  const all = await readdir(blobs, { recursive: true, withFileTypes: true })
  for (const entry of all) if (entry.isFile()) await unlink(join(entry.parentPath, entry.name))
  await shop.upload(ann, 'a.txt', 'abc')
  expect(await shop.text(ann, fileID)).toBe('abc')
})

test('[FILE-28] a look that failed is made up for an hour later', async () => {
  const lines: LogLine[] = []
  const shop = await openShop(undefined, { log: line => lines.push(line) })
  const told = (name: string) => lines.filter(({ event }) => event === name)
  await shop.upload(ann, 'a.txt', 'abc')
  await shop.close()
  const blobs = join(shop.folder, 'files', 'blobs')
  for (const entry of await readdir(blobs, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) await unlink(join(entry.parentPath, entry.name))
  const { scan } = shop.engine
  // biome-ignore lint/correctness/useYield: it cannot be read
  shop.engine.scan = async function* () {
    throw new Error('the disk could not be read')
  }
  await shop.restart()
  await expect.poll(() => told('files.sweep')).toHaveLength(1)
  shop.engine.scan = scan
  shop.clock.advance(3_600_000)
  await expect.poll(() => told('files.damaged')).toHaveLength(1)
})
