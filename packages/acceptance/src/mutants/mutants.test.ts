import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { type SettingName, settings } from '../sim/settings.ts'
import { bundle, replaced } from './bundle.ts'
import { hunt, simulate } from './hunt.ts'
import { mutant } from './mutant.ts'
import { mutants } from './mutants.ts'

const packages = fileURLToPath(new URL('../../../', import.meta.url))

test('[SIM-3] there is a place for every planted bug', () => {
  const names = new Set(mutants.map(({ name }) => name))
  expect(names.size).toBe(mutants.length)
  expect(mutants.length).toBeGreaterThanOrEqual(40)
  for (const { name, changes } of mutants)
    for (const change of changes) {
      const text = readFileSync(`${packages}${change.file}`, 'utf8')
      expect(replaced(text, change, name)).not.toBe(text)
    }
})

test('[SIM-3] a bug whose place is gone is an error, not a bug that was found', async () => {
  const lost = mutant('lost', ['store/src/state.ts', 'no such text', ''])
  await expect(hunt(lost, { steps: 1 })).rejects.toThrow(
    'packages/store/src/state.ts has no place for: no such text',
  )
  const elsewhere = mutant('elsewhere', ['store/src/no-such-file.ts', 'a', 'b'])
  await expect(hunt(elsewhere, { steps: 1 })).rejects.toThrow('not part of the program')
})

test.each([
  ['server: what left a query is not told to be gone', ['I3', 'I11']],
  ['sync: accepted mutations leave before their effect is here', ['I3']],
  ['store: acknowledged before it is durable', ['I1']],
])('[SIM-4] the simulator finds: %s', async (name, invariants) => {
  const planted = mutants.find(each => each.name === name)
  expect(invariants).toContain((await hunt(planted, { steps: 20_000 })).invariant)
})

/** Others with each run of the checks, which says how many commits there are. */
const turn = Number(process.env.SIM_TURN ?? 0)
const ofThisTurn = Array.from({ length: 10 }, (_, n) => mutants[(turn * 10 + n) % mutants.length]!)

test.each(ofThisTurn.map(each => [each.name, each] as const))(
  '[SIM-4] in its turn, within 400,000 steps: %s',
  async (_, planted) => {
    expect((await hunt(planted, { steps: 400_000 })).invariant).toBeDefined()
  },
  600_000,
)

test('[SIM-4] and finds nothing where nothing was planted', async () => {
  await expect(hunt(undefined, { steps: 5_000 })).resolves.toMatchObject({ invariant: undefined })
})

test.each(Object.keys(settings) as SettingName[])(
  '[SIM-6] nor in worlds of the setting %s',
  async setting => {
    await expect(hunt(undefined, { steps: 2_000, setting })).resolves.toMatchObject({ invariant: undefined })
  },
)

test('[SIM-6] every setting has a bug that is looked for in it', () => {
  expect(new Set(mutants.flatMap(({ setting = [] }) => setting))).toEqual(new Set(Object.keys(settings)))
})

test('[SIM-5] a run that hardly used a fault fails', async () => {
  const { code, report } = await simulate(await bundle(), { seeds: 1, faults: 100 })
  expect(report.failures).toEqual([])
  expect(report.missing).toContain('history pruned')
  expect(code).toBe(1)
})
