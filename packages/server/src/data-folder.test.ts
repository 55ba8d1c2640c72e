import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, onTestFinished, test, vi } from 'vitest'
import { openDataFolder } from './data-folder.ts'

const disk = vi.hoisted(() => ({
  pathOf: new Map<number, unknown>(),
  synced: [] as unknown[],
  /** Names in it stay as they are. */
  isFrozen: false,
}))
vi.mock('node:fs', async original => {
  const fs = await original<typeof import('node:fs')>()
  return {
    ...fs,
    openSync(...given: Parameters<typeof fs.openSync>) {
      const file = fs.openSync(...given)
      disk.pathOf.set(file, given[0])
      return file
    },
    renameSync(...given: Parameters<typeof fs.renameSync>) {
      if (disk.isFrozen) throw Object.assign(new Error('EROFS'), { code: 'EROFS' })
      fs.renameSync(...given)
    },
    rmSync(...given: Parameters<typeof fs.rmSync>) {
      if (disk.isFrozen) throw Object.assign(new Error('EROFS'), { code: 'EROFS' })
      fs.rmSync(...given)
    },
    fsyncSync(file: number) {
      disk.synced.push(disk.pathOf.get(file))
      fs.fsyncSync(file)
    },
  }
})

const root = mkdtempSync(join(tmpdir(), 'nearcloud-folder-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))
let folders = 0
const newFolder = () => join(root, `deep/er/${folders++}`)
const lockOf = (folder: string) => join(folder, 'server.lock')

test('[FOLDER-1] it is made with its parents, and held until it is released', () => {
  const path = newFolder()
  const folder = openDataFolder(path)
  expect(existsSync(lockOf(path))).toBe(true)
  expect(() => openDataFolder(path)).toThrow(/is in use by another server \(process \d+\)/)
  folder.release()
  expect(existsSync(lockOf(path))).toBe(false)
  openDataFolder(path).release()
})

test('[FOLDER-2] what a dead process, an earlier life of the machine or of this process left holds nothing', () => {
  const path = newFolder()
  openDataFolder(path).release()
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const left = [
    { pid: 2 ** 22 + 1, boot, began: '1' }, // no such process
    { pid: 1, boot: 'another', began: '1' }, // another run of the machine
    { pid: 1, boot, began: 'another' }, // its number was given again
    { pid: process.pid, boot, began: 'another' }, // a container: the same number every time
  ]
  for (const text of [...left.map(each => JSON.stringify(each)), '', 'not json', '{}', 'null']) {
    writeFileSync(lockOf(path), text)
    openDataFolder(path).release()
  }
})

test('[FOLDER-3] what a process that lives holds is not taken', () => {
  const path = newFolder()
  openDataFolder(path).release()
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const stat = readFileSync(`/proc/${process.ppid}/stat`, 'utf8')
  const began = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19]
  writeFileSync(lockOf(path), JSON.stringify({ pid: process.ppid, boot, began }))
  expect(() => openDataFolder(path)).toThrow(`(process ${process.ppid})`)
  expect(readFileSync(lockOf(path), 'utf8')).toContain(String(process.ppid))
})

test('[FOLDER-4] a folder that cannot be is one clear sentence, and ends', () => {
  const file = join(root, 'file')
  writeFileSync(file, '')
  for (const path of ['/proc/nowhere/deep', file, join(file, 'inside')])
    expect(() => openDataFolder(path)).toThrow(/^the data folder .* cannot be written \(E[A-Z]+\)$/)
})

test('[FOLDER-4] a disk that turns read-only while a folder is taken is one clear sentence', () => {
  const path = newFolder()
  openDataFolder(path).release()
  writeFileSync(lockOf(path), '{}')
  disk.isFrozen = true
  onTestFinished(() => {
    disk.isFrozen = false
  })
  expect(() => openDataFolder(path)).toThrow(`the data folder ${path} cannot be written (EROFS)`)
  disk.isFrozen = false
  openDataFolder(path).release()
})

test('[FOLDER-6] a new folder, its parents and its port are on the disk before they are used', () => {
  const path = newFolder()
  mkdirSync(join(path, '../..'), { recursive: true })
  rmSync(join(path, '..'), { recursive: true, force: true })
  disk.synced.length = 0
  const folder = openDataFolder(path)
  expect(disk.synced).toEqual([join(path, '../..'), join(path, '..')])
  folder.rememberPort(4_321)
  expect(disk.synced.slice(2)).toEqual([join(path, 'port.new'), path])
  folder.release()
  const again = openDataFolder(path)
  again.rememberPort(4_321)
  expect(disk.synced.length).toBe(4)
  again.rememberPort(4_322)
  again.release()
  expect(readFileSync(join(path, 'port'), 'utf8')).toBe('4322\n')
})

test('[FOLDER-4] a port that cannot be kept is one clear sentence', () => {
  const path = newFolder()
  const folder = openDataFolder(path)
  mkdirSync(join(path, 'port.new'))
  expect(() => folder.rememberPort(4_321)).toThrow(
    expect.objectContaining({
      code: 'SERVER_CONFIGURATION',
      errMsg: `the port cannot be kept in ${join(path, 'port')} (EISDIR)`,
    }),
  )
  folder.release()
})

test('[FOLDER-5] it remembers a port, and no nonsense', () => {
  const path = newFolder()
  const folder = openDataFolder(path)
  expect(folder.port).toBeUndefined()
  folder.rememberPort(4_321)
  folder.release()
  const again = openDataFolder(path)
  expect(again.port).toBe(4_321)
  again.release()
  for (const text of ['', 'abc', '-1', '99999', '1.5']) {
    writeFileSync(join(path, 'port'), text)
    const folder = openDataFolder(path)
    expect(folder.port).toBeUndefined()
    folder.release()
  }
})
