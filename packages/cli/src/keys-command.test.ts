import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createServer } from '@nearcloud/server'
import { expect, onTestFinished, test } from 'vitest'
import { runNearcloud } from './run.ts'

test('[OFFICIAL-8] the operator is told the key of the official SDKs, and nobody where there is no data', async () => {
  const cwd = mkdtempSync(join(tmpdir(), 'nearcloud-keys-'))
  onTestFinished(() => rmSync(cwd, { recursive: true, force: true }))
  const [said, complained]: [string[], string[]] = [[], []]
  const keys = () =>
    runNearcloud(['keys'], {
      ...{ cwd, hasColours: false, isTyped: false },
      variable: () => undefined,
      secret: async () => '',
      out: text => said.push(text),
      err: text => complained.push(text),
      onStopAsked: () => () => undefined,
    })
  expect(await keys()).toBe(1)
  expect(complained.join()).toContain('no server has kept its data in')
  const server = await createServer({ dataFolder: join(cwd, '.nearcloud') })
  onTestFinished(() => server.stop())
  expect(await keys()).toBe(0)
  expect(JSON.parse(said.join())).toEqual({ env: 'default', ...server.sdk })
})
