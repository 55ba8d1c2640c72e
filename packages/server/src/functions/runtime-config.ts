import { misconfigured, readObject } from './function-config.ts'

/** What a function may do beside computing, when its `config.json` says so under `allow`. */
export const functionAllowances = ['addons', 'childProcesses', 'workers'] as const
export type FunctionAllowance = (typeof functionAllowances)[number]

/** How a function's processes run. */
export interface RuntimeConfig {
  /** Processes at once, at most. */
  readonly instances: number
  /** Calls at once in one of them before another is started. */
  readonly concurrency: number
  readonly allow: ReadonlySet<FunctionAllowance>
}

const defaultInstances = 4
const defaultConcurrency = 8

/** The parts of a `config.json` that are about this. Throws SERVER_CONFIGURATION naming the file and the place. */
export function readRuntimeConfig(file: string): RuntimeConfig {
  const config = readObject(file)
  return {
    instances: count(file, 'instances', config.instances, 64) ?? defaultInstances,
    concurrency: count(file, 'concurrency', config.concurrency, 1_000) ?? defaultConcurrency,
    allow: allowances(file, config.allow),
  }
}

function count(file: string, place: string, value: unknown, most: number): number | undefined {
  if (value === undefined) return undefined
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return value as number
  throw misconfigured(file, place, `must be a number from 1 to ${most}`)
}

function allowances(file: string, value: unknown): ReadonlySet<FunctionAllowance> {
  if (value === undefined) return new Set()
  const isKnown = (each: unknown) => functionAllowances.some(known => known === each)
  if (Array.isArray(value) && value.every(isKnown)) return new Set<FunctionAllowance>(value)
  const names = functionAllowances.map(name => `"${name}"`).join(', ')
  throw misconfigured(file, 'allow', `must be a list of ${names}`)
}
