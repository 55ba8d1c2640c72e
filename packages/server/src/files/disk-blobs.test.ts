import { createHash, randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { blobsSuite } from '../testing/blobs-suite.ts'
import { DiskBlobs } from './disk-blobs.ts'
import { syncFolder } from './sync-folder.ts'

vi.mock('./sync-folder.ts', async original => {
  const { syncFolder } = await original<typeof import('./sync-folder.ts')>()
  return { syncFolder: vi.fn(syncFolder) }
})

const folders: string[] = []
afterEach(async () => {
  for (const folder of folders.splice(0)) await rm(folder, { recursive: true, force: true })
})

const random = (size: number) => new Uint8Array(randomBytes(size))

blobsSuite('disk', () => {
  let folder = ''
  let clock = { now: () => 0 }
  return {
    async open(now) {
      folder = await mkdtemp(join(tmpdir(), 'nearcloud-blobs-'))
      folders.push(folder)
      clock = { now }
      return DiskBlobs.open(folder, clock, random)
    },
    reopen: () => DiskBlobs.open(folder, clock, random),
  }
})

test('[FILE-21] every folder above a blob is on the disk before the blob counts as whole', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nearcloud-blobs-'))
  folders.push(folder)
  const synced = vi.mocked(syncFolder)
  const paths = () => synced.mock.calls.splice(0).map(([path]) => path)
  paths()
  const size = 0
  const sha256 = createHash('sha256').digest('hex')
  const sameKey = () => new Uint8Array(32)
  const [blobs, shelf] = [join(folder, 'blobs'), join(folder, 'blobs', '00')]
  const first = await DiskBlobs.open(folder, { now: () => 0 }, sameKey)
  expect(paths()).toEqual([folder, join(folder, '..')])
  await first.finish('ab'.repeat(32), { size, sha256 })
  expect(paths()).toEqual([shelf, blobs])
  await first.finish('cd'.repeat(32), { size, sha256 })
  expect(paths()).toEqual([shelf])
  // who made it may have died before it was synced
  const second = await DiskBlobs.open(folder, { now: () => 0 }, sameKey)
  paths()
  await second.finish('ef'.repeat(32), { size, sha256 })
  expect(paths()).toEqual([shelf, blobs])
})

test('files are readable by their owner alone, and strange ones in the folder are left alone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nearcloud-blobs-'))
  folders.push(folder)
  const blobs = await DiskBlobs.open(folder, { now: () => 1_000 }, random)
  async function* bytes() {
    yield new Uint8Array(3)
  }
  await blobs.append('ab'.repeat(32), bytes(), 3)
  await writeFile(join(folder, 'uploads', 'README'), 'mine')
  expect((await stat(join(folder, 'uploads', 'ab'.repeat(32)))).mode & 0o077).toBe(0)
  expect(await blobs.sweep(Number.MAX_SAFE_INTEGER, async () => new Set())).toBe(1)
  expect(await readdir(join(folder, 'uploads'))).toEqual(['README'])
})

test('a folder that cannot be made is told in one sentence', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nearcloud-blobs-'))
  folders.push(folder)
  await writeFile(join(folder, 'files'), 'a file where a folder should be')
  await chmod(folder, 0o700)
  await expect(DiskBlobs.open(join(folder, 'files'), { now: () => 0 }, random)).rejects.toMatchObject({
    code: 'SERVER_CONFIGURATION',
    errMsg: expect.stringContaining('cannot be made'),
  })
})

test.runIf(existsSync('/dev/full'))(
  '[FILE-24] a disk without space discards the upload and says so',
  async () => {
    const folder = await mkdtemp(join(tmpdir(), 'nearcloud-blobs-'))
    folders.push(folder)
    const blobs = await DiskBlobs.open(folder, { now: () => 1_000 }, random)
    const upload = 'ab'.repeat(32)
    await symlink('/dev/full', join(folder, 'uploads', upload))
    async function* bytes() {
      yield new Uint8Array(3)
    }
    await expect(blobs.append(upload, bytes(), 10)).rejects.toMatchObject({ code: 'STORE_FULL' })
    expect(await readdir(join(folder, 'uploads'))).toEqual([])
  },
)
