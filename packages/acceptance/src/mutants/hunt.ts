import { spawn } from 'node:child_process'
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
}

/** Lets the simulator look for a bug in a process of its own. Without a mutant there should be none. */
export async function hunt(mutant: Mutant | undefined, { from = 1, steps }: HuntLimits): Promise<Hunt> {
  const began = performance.now()
  const program = await bundle(mutant)
  const { out, err, code } = await run(
    program,
    ['--brief', '--stop', '1', '--twice', '0', '--faults', '0'].concat([
      '--from',
      String(from),
      '--steps',
      String(steps),
    ]),
  )
  const line = out.trim().split('\n').at(-1) ?? ''
  if (!line.startsWith('{')) throw new Error(`the simulator ended with ${code}: ${err.slice(-2_000)}`)
  const report = JSON.parse(line) as {
    seeds: number
    steps: number
    failures: { invariant: string; words: string }[]
  }
  const [failure] = report.failures
  return {
    invariant: failure?.invariant,
    words: failure?.words ?? '',
    seeds: report.seeds,
    steps: report.steps,
    seconds: Math.round((performance.now() - began) / 100) / 10,
  }
}

function run(
  program: string,
  given: readonly string[],
): Promise<{ out: string; err: string; code: number | null }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['--input-type=module', '-', ...given], { stdio: 'pipe' })
    let [out, err] = ['', '']
    child.stdout.setEncoding('utf8').on('data', text => {
      out += text
    })
    child.stderr.setEncoding('utf8').on('data', text => {
      err = (err + text).slice(-10_000)
    })
    child.on('error', reject)
    child.on('close', code => resolve({ out, err, code }))
    child.stdin.on('error', () => undefined)
    child.stdin.end(program)
  })
}
