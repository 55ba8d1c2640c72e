import { readdirSync, realpathSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { expect, test } from 'vitest'
import { advisoriesOf } from './advisories.ts'
import { installedWith } from './installed.ts'

const packages = resolve(import.meta.dirname, '../../..')
const published = readdirSync(packages)
  .filter(name => name !== 'acceptance')
  .map(name => realpathSync(join(packages, name)))

test('[SPEC-6] nothing that is installed with ours has a weakness of the list', () => {
  const installed = installedWith(published)
  expect(installed.map(({ name }) => name)).toEqual(expect.arrayContaining(['ws', 'hono', 'dexie', 'yjs']))
  expect(installed.flatMap(({ name, version }) => advisoriesOf(name, version))).toEqual([])
})

test('[SPEC-6] of others only these two run something when they are installed', () => {
  const running = installedWith(published).filter(({ hooks }) => hooks.length > 0)
  expect(new Set(running.map(({ name }) => name))).toEqual(new Set(['@photostructure/sqlite', 'esbuild']))
})

test.each([
  ['ws', '8.17.0', 2],
  ['ws', '8.20.9', 1],
  ['ws', '8.21.0-rc.1', 1],
  ['ws', '8.21.0', 0],
  ['ws', '9.0.0', 0],
  ['hono', '4.9.12', 5],
  ['vm2', '99.0.0', 1],
  ['left-pad', '1.0.0', 0],
])('[SPEC-6] of %s %s the list has %i', (name, version, count) => {
  expect(advisoriesOf(name, version).length).toBe(count)
})
