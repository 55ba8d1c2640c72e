import { rmSync } from 'node:fs'
import { expect, test } from 'vitest'
import { buildPlanted } from '../../mutants/build-planted.ts'
import { mutant } from '../../mutants/mutant.ts'
import { testFolder } from '../../scenario/folder.ts'
import { runHistories } from './run-histories.ts'

test('[CONSISTENT-1] what sessions of three kinds saw of a server that is killed has no anomaly', {
  timeout: 600_000,
}, async () => {
  const report = await runHistories({
    seed: 2026,
    transactions: 600,
    perRound: 600,
    kills: 3,
    cuts: 4,
    strangers: 3,
    functions: 2,
    devices: 3,
  })
  expect(report.violations).toEqual([])
  expect(report.ok).toBeGreaterThan(400)
  expect(report.deviceReads).toBeGreaterThan(100)
  expect(report.registerOps).toBeGreaterThan(50)
  expect(report.unknown).toBeGreaterThan(0)
  expect(report.cuts).toBeGreaterThan(0)
  const { ok, unknown, deviceReads, kills, cuts, seconds } = report
  console.log(
    `${ok} transactions, ${unknown} of unknown outcome, ${deviceReads} reads of devices, ${kills} kills, ${cuts} cuts in ${seconds} s`,
  )
})

/** Of writes that are committed together the later does not see the earlier. */
const forgetful = mutant('forgetful', [
  'server/src/commit/stage.ts',
  'return decided === undefined ? (this.#stored.get(key) ?? null) : decided',
  'return this.#stored.get(key) ?? decided ?? null',
])

test('[CONSISTENT-7] a server that lets one write overlook another is found out', {
  timeout: 600_000,
}, async () => {
  const main = await buildPlanted(testFolder('planted'), { entry: 'cli/src/main.ts', mutant: forgetful })
  const report = await runHistories({
    seed: 7,
    transactions: 200,
    perRound: 200,
    kills: 0,
    cuts: 0,
    strangers: 8,
    functions: 0,
    devices: 0,
    main,
  })
  if (report.saved !== undefined) rmSync(report.saved)
  expect(report.violations.map(words => words.split(':')[0])).toContain('lost write')
})
