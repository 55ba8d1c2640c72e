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
  /** Whose `wx-server-sdk` it gets: ours, or the one that is installed for it. */
  readonly sdk: 'ours' | 'official'
}

const defaultInstances = 4
const defaultConcurrency = 8

/** The parts of a `config.json` that are about this. Throws SERVER_CONFIGURATION naming the file and the place. */
export function readRuntimeConfig(file: string): RuntimeConfig {
  const config = readObject(file)
  const sdk = sdkFrom(file, config.sdk)
  // an official SDK knows its call by the environment of the process, and there is one
  const most = sdk === 'official' ? 1 : 1_000
  return {
    instances: count(file, 'instances', config.instances, 64) ?? defaultInstances,
    concurrency: count(file, 'concurrency', config.concurrency, most) ?? Math.min(defaultConcurrency, most),
    allow: allowances(file, config.allow),
    sdk,
  }
}

function sdkFrom(file: string, value: unknown): RuntimeConfig['sdk'] {
  if (value === undefined || value === 'ours') return 'ours'
  if (value === 'official') return value
  throw misconfigured(file, 'sdk', 'must be "official" or "ours"')
}

function count(file: string, place: string, value: unknown, most: number): number | undefined {
  if (value === undefined) return undefined
  if (Number.isInteger(value) && (value as number) >= 1 && (value as number) <= most) return value as number
  throw misconfigured(file, place, most === 1 ? 'must be 1' : `must be a number from 1 to ${most}`)
}

function allowances(file: string, value: unknown): ReadonlySet<FunctionAllowance> {
  if (value === undefined) return new Set()
  const isKnown = (each: unknown) => functionAllowances.some(known => known === each)
  if (Array.isArray(value) && value.every(isKnown)) return new Set<FunctionAllowance>(value)
  const names = functionAllowances.map(name => `"${name}"`).join(', ')
  throw misconfigured(file, 'allow', `must be a list of ${names}`)
}
