import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test, vi } from 'vitest'
import { createServer } from '../create-server.ts'

const disk = vi.hoisted(() => ({ failsToSync: false }))

/** Commits fail as they do when the disk answers a sync with an error. */
vi.mock('./sqlite-database.ts', async original => {
  const module = await original<typeof import('./sqlite-database.ts')>()
  return {
    ...module,
    openDatabase(...given: Parameters<typeof module.openDatabase>) {
      const opened = module.openDatabase(...given)
      const exec = (sql: string) => {
        if (disk.failsToSync && sql === 'COMMIT')
          throw Object.assign(new Error('disk I/O error'), { errcode: ioErrorAtSync })
        opened.db.exec(sql)
      }
      const db = new Proxy(opened.db, {
        get(real, name) {
          if (name === 'exec') return exec
          const value: unknown = Reflect.get(real, name, real)
          return typeof value === 'function' ? value.bind(real) : value
        },
      })
      return { ...opened, db }
    },
  }
})

test('[ENGINE-16] after a sync that failed nothing is stored, reading goes on, and health says so', async () => {
  const dataFolder = mkdtempSync(join(tmpdir(), 'nearcloud-sync-'))
  onTestFinished(() => rmSync(dataFolder, { recursive: true, force: true }))
  const server = await createServer({ dataFolder })
  const todos = server.database().collection('todos')
  await todos.add({ data: { _id: 'before' } })
  disk.failsToSync = true
  await expect(todos.add({ data: { _id: 'lost' } })).rejects.toMatchObject({ code: 'STORE_FAILED' })
  disk.failsToSync = false
  // a later sync that succeeds tells nothing of the pages of the one that failed
  await expect(todos.add({ data: { _id: 'later' } })).rejects.toMatchObject({
    code: 'STORE_FAILED',
    errMsg: expect.stringContaining('until the server is started again'),
  })
  expect((await todos.get()).data).toEqual([{ _id: 'before' }])
  const health = await fetch(`${server.url}/health`)
  expect(health.status).toBe(503)
  expect(await health.json()).toMatchObject({ status: 'failed', code: 'STORE_FAILED' })
  await server.stop()

  const again = await createServer({ dataFolder })
  await again
    .database()
    .collection('todos')
    .add({ data: { _id: 'later' } })
  expect((await again.database().collection('todos').count()).total).toBe(2)
  await again.stop()
})

const ioErrorAtSync = 1_034
