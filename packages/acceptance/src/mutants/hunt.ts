import { spawn } from 'node:child_process'
import type { SettingName } from '../sim/settings.ts'
import { bundle } from './bundle.ts'
import type { Mutant } from './mutant.ts'

export interface Hunt {
  /** The invariant that was broken; undefined: nothing was found. */
  readonly invariant: string | undefined
  readonly words: string
  readonly seeds: number
  readonly steps: number
  readonly seconds: number
}

export interface HuntLimits {
  readonly from?: number
  readonly steps: number
  /** Where nothing is planted: the worlds that are turned. Default: those of all. */
  readonly setting?: SettingName
}

/** Lets the simulator look for a bug in a process of its own. Without a mutant there should be none. */
export async function hunt(
  mutant: Mutant | undefined,
  { from = 1, steps, setting }: HuntLimits,
): Promise<Hunt> {
  const began = performance.now()
  const options = { stop: 1, twice: 0, faults: 0, from, steps, setting: mutant?.setting ?? setting ?? '' }
  const { report } = await simulate(await bundle(mutant), options)
  const [failure] = report.failures
  return {
    invariant: failure?.invariant,
    words: failure?.words ?? '',
    seeds: report.seeds,
    steps: report.steps,
    seconds: Math.round((performance.now() - began) / 100) / 10,
  }
}

interface Simulated {
  readonly code: number | null
  readonly report: {
    readonly seeds: number
    readonly steps: number
    readonly failures: readonly { readonly invariant: string; readonly words: string }[]
    readonly missing: readonly string[]
    /** Worlds that were turned twice, and went one way. */
    readonly twice: number
    readonly decided: number
    readonly rejected: number
    readonly happened: Readonly<Record<string, number>>
  }
}

/** Runs the simulator's program with these options. Rejects when it ends without a report. */
export function simulate(
  program: string,
  options: Readonly<Record<string, number | string>>,
): Promise<Simulated> {
  const given = Object.entries(options).flatMap(([name, value]) => [`--${name}`, String(value)])
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-', '--brief', ...given], {
      stdio: 'pipe',
      timeout: longestMs,
    })
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', text => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      err = (err + text).slice(-10_000)
    })
    child.on('error', reject)
    child.on('close', code => {
      const line = out.trim().split('\n').at(-1) ?? ''
      if (line.startsWith('{')) resolve({ code, report: JSON.parse(line) })
      else reject(new Error(`the simulator ended with ${code}: ${err.slice(-2_000)}`))
    })
    child.stdin.on('error', () => undefined) // it ended before it had read everything: `close` tells why
    child.stdin.end(program)
  })
}

/** What takes longer hangs. */
const longestMs = 1_200_000
