import { randomBytes } from 'node:crypto'
import { existsSync } from 'node:fs'
import { chmod, mkdtemp, readdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { blobsSuite } from '../testing/blobs-suite.ts'
import { DiskBlobs } from './disk-blobs.ts'

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
