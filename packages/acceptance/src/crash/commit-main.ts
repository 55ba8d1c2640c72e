import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { acknowledgedIn, whatIsWrong } from '@nearcloud/server/testing'
import { commandValues } from '../command.ts'
import { buildShim, type FaultMode } from './shim.ts'

const values = commandValues({
  name: 'pnpm crash:commit',
  about:
    "Every call that five clients' first commits make, from the opening of the database to its end, is hit by every fault.",
  options: {
    modes: ['kill,torn,powerloss,eio,enospc,erofs', 'the faults'],
    most: [2, 'mutations of each client'],
  },
})
const shim = buildShim()
const program = join(
  dirname(createRequire(import.meta.url).resolve('@nearcloud/server')),
  'testing/committing-process.js',
)
const root = mkdtempSync(join(tmpdir(), 'nearcloud-crash-commit-'))
process.once('exit', () => rmSync(root, { recursive: true, force: true }))

function commit(mode: FaultMode, at: number) {
  const home = mkdtempSync(join(root, 'life-'))
  const [disk, aside, report] = [join(home, 'disk'), join(home, 'aside'), join(home, 'report')]
  for (const folder of [disk, aside]) mkdirSync(folder)
  const file = join(disk, 'nearcloud.db')
  const ended = spawnSync(process.execPath, [program, file, String(values.most)], {
    encoding: 'utf8',
    env: {
      ...process.env,
      LD_PRELOAD: shim,
      NEARCLOUD_FAULT_FOLDER: disk,
      NEARCLOUD_FAULT_ASIDE: aside,
      NEARCLOUD_FAULT_REPORT: report,
      NEARCLOUD_FAULT_ROOM: join(home, 'room'),
      NEARCLOUD_FAULT_MODE: mode,
      NEARCLOUD_FAULT_AT: String(at),
      NEARCLOUD_FAULT_SEED: String(at),
    },
  })
  const hit = existsSync(report) ? readFileSync(report, 'utf8').split('\n')[0]! : ''
  return { ...ended, file, hit, done: () => rmSync(home, { recursive: true, force: true }) }
}

const counted = commit('count', 0)
const calls = Number(/\d+/.exec(counted.hit)?.[0] ?? 0)
if (counted.status !== 0 || calls < 10) throw new Error(`it makes only ${calls} calls: ${counted.stderr}`)
const violations: string[] = []
const ends: Record<string, Record<string, number>> = {}
for (const mode of values.modes.split(',') as FaultMode[]) {
  const counts: Record<string, number> = {}
  ends[mode] = counts
  for (let at = 1; at <= calls; at++) {
    const { status, signal, stdout, stderr, file, hit, done } = commit(mode, at)
    const [code] = /STORE_FAILED|STORE_FULL|SERVER_CONFIGURATION/.exec(stderr) ?? [undefined]
    const ending = signal ?? code ?? (status === 0 ? 'unharmed' : 'no named error')
    counts[ending] = (counts[ending] ?? 0) + 1
    const wrong =
      ending === 'no named error'
        ? stderr.replaceAll(/\s+/g, ' ').slice(0, 300)
        : await whatIsWrong(file, acknowledgedIn(stdout)).catch(String)
    if (wrong) violations.push(`${mode} at call ${at} (${hit}): ${wrong}`)
    done()
  }
}
console.log(JSON.stringify({ calls, ends, violations: violations.slice(0, 20) }))
process.exitCode = violations.length === 0 ? 0 : 1
