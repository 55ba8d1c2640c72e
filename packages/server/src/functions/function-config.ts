import { readFileSync } from 'node:fs'
import { CloudError } from '@nearcloud/protocol'

/** What a function's `config.json` says, with the defaults of the platform. */
export interface FunctionConfig {
  readonly timeLimitMs: number
  readonly memoryMb: number
  /** Environment variables of its process: these and no others. */
  readonly variables: Readonly<Record<string, string>>
  /** It runs on devices, too: its runs for a queued call make the ids that the device's run made. */
  readonly offline: boolean
  /** As written; `triggers/` reads them. */
  readonly triggers: readonly unknown[]
}

const defaultTimeLimitMs = 3_000
const maxTimeLimitMs = 60_000
const defaultMemoryMb = 256
const memoryMbRange = [32, 3_072] as const

/**
 * Reads `config.json`; a missing file is all defaults. Members that are not ours (`permissions`) are passed over.
 *
 * Throws SERVER_CONFIGURATION with one sentence that names the file and the place.
 */
export function readFunctionConfig(file: string): FunctionConfig {
  const config = readObject(file)
  return {
    timeLimitMs: timeLimit(file, config.timeout),
    memoryMb: memory(file, config.memorySize),
    variables: variables(file, config.envVariables),
    offline: flag(file, 'offline', config.offline),
    triggers: triggers(file, config.triggers),
  }
}

/** An error of a configuration file in one sentence. */
export function misconfigured(file: string, place: string, words: string): CloudError {
  return new CloudError('SERVER_CONFIGURATION', {
    errMsg: `${file}: ${place === '' ? '' : `"${place}" `}${words}`,
    details: { file, place },
  })
}

export function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

/** The object in `config.json`; an empty one when there is no file. Throws SERVER_CONFIGURATION. */
export function readObject(file: string): Readonly<Record<string, unknown>> {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return {}
    throw misconfigured(file, '', `cannot be read (${(cause as Error).message})`)
  }
  let config: unknown
  try {
    config = JSON.parse(text)
  } catch (cause) {
    throw misconfigured(file, '', `is not JSON (${(cause as Error).message})`)
  }
  if (!isRecord(config)) throw misconfigured(file, '', 'must hold an object')
  return config
}

function flag(file: string, place: string, declared: unknown): boolean {
  if (declared === undefined || typeof declared === 'boolean') return declared ?? false
  throw misconfigured(file, place, 'must be true or false')
}

function timeLimit(file: string, seconds: unknown): number {
  if (seconds === undefined) return defaultTimeLimitMs
  if (typeof seconds === 'number' && seconds > 0 && seconds * 1_000 <= maxTimeLimitMs) return seconds * 1_000
  throw misconfigured(file, 'timeout', `must be seconds, more than 0 and at most ${maxTimeLimitMs / 1_000}`)
}

function memory(file: string, megabytes: unknown): number {
  if (megabytes === undefined) return defaultMemoryMb
  const [least, most] = memoryMbRange
  if (Number.isInteger(megabytes) && (megabytes as number) >= least && (megabytes as number) <= most)
    return megabytes as number
  throw misconfigured(file, 'memorySize', `must be megabytes, ${least} to ${most}`)
}

function variables(file: string, declared: unknown): Readonly<Record<string, string>> {
  if (declared === undefined) return {}
  if (!isRecord(declared)) throw misconfigured(file, 'envVariables', 'must be an object of texts')
  for (const [name, text] of Object.entries(declared)) {
    if (typeof text !== 'string') throw misconfigured(file, `envVariables.${name}`, 'must be a text')
    // They would change how Node itself starts, and with it what the limits mean.
    if (/^NODE_/i.test(name)) throw misconfigured(file, `envVariables.${name}`, 'cannot begin with NODE_')
  }
  return declared as Readonly<Record<string, string>>
}

function triggers(file: string, declared: unknown): readonly unknown[] {
  if (declared === undefined) return []
  if (Array.isArray(declared)) return declared
  throw misconfigured(file, 'triggers', 'must be a list')
}
