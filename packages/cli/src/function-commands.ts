import { join, resolve } from 'node:path'
import {
  callAsOperator,
  type FunctionLogEntry,
  followFunctionLog,
  type LogWish,
  readFunctionLog,
} from '@nearcloud/server'
import { defineCommand } from 'citty'
import { type Host, UsageError } from './host.ts'
import { readProject } from './project.ts'

export const place = {
  project: {
    type: 'string',
    valueHint: 'dir',
    description: 'The folder of the project (default: this folder)',
  },
  store: {
    type: 'string',
    valueHint: 'dir',
    description: 'Where the server keeps its data (default: .nearcloud in the project)',
  },
} as const

/** `nearcloud call`: a function of the server that runs, as its operator or as a user. */
export function callCommand(host: Host, exit: (code: number) => void) {
  const args = {
    name: { type: 'positional', required: false, description: 'The function' },
    data: { type: 'string', valueHint: 'json', description: 'Its event (default: {})' },
    as: { type: 'string', valueHint: 'openid', description: 'Calls as this user (default: the operator)' },
    url: {
      type: 'string',
      valueHint: 'url',
      description: 'Where the server is (default: as it was last, here)',
    },
    ...place,
  } as const
  return defineCommand({
    meta: { name: 'call', description: 'Calls a cloud function of the server that runs' },
    args,
    async run({ args: { _, ...given } }) {
      checkNames('call', given, args)
      if (given.name === undefined || _.length !== 1)
        throw new UsageError('it is "nearcloud call NAME --data JSON".')
      const data = given.data ?? '{}'
      if (!isJson(data)) throw new UsageError(`--data is JSON, as in --data '{"a":1}', not ${data}`)
      const { dataFolder, env } = placeOf(host, given)
      const { requestId, durationMs, result, error } = await callAsOperator({
        dataFolder,
        name: given.name,
        data,
        ...(env !== undefined && { env }),
        ...(given.as !== undefined && { openid: given.as }),
        ...(given.url !== undefined && { url: given.url.replace(/\/$/, '') }),
      })
      if (error) host.err(`${error.code}: ${error.errMsg}`)
      else host.out(JSON.stringify(result ?? null, null, 2))
      host.err(`request ${requestId}, ${durationMs} ms`)
      exit(error ? 1 : 0)
    },
  })
}

/** `nearcloud logs`: what functions said, and how their calls went. */
export function logsCommand(host: Host) {
  const args = {
    name: { type: 'positional', required: false, description: 'Of this function alone' },
    follow: { type: 'boolean', description: 'Goes on with what is said from now on' },
    request: { type: 'string', valueHint: 'id', description: 'Of this call alone' },
    level: { type: 'string', valueHint: 'level', description: 'debug, info, warn or error: this and worse' },
    search: { type: 'string', valueHint: 'text', description: 'With this text' },
    since: { type: 'string', valueHint: 'time', description: 'Not before: 30s, 10m, 2h, 1d, or a date' },
    limit: { type: 'string', valueHint: 'number', description: 'So many at most, the newest (default: 100)' },
    json: { type: 'boolean', description: 'Each as a line of JSON' },
    ...place,
  } as const
  return defineCommand({
    meta: { name: 'logs', description: 'Shows what cloud functions said, and how their calls went' },
    args,
    async run({ args: { _, ...given } }) {
      checkNames('logs', given, args)
      if (_.length > 1) throw new UsageError('logs are of one function, or of all.')
      const wish = wishOf(given)
      const limit = Number(given.limit ?? 100)
      if (!Number.isInteger(limit) || limit < 1) throw new UsageError('--limit is a number of lines.')
      const { dataFolder } = placeOf(host, given)
      const tell = (entry: FunctionLogEntry) =>
        host.out(given.json ? JSON.stringify(entry) : lineOf(entry, host.hasColours))
      for (const entry of await readFunctionLog(dataFolder, wish, limit)) tell(entry)
      if (!given.follow) return
      await new Promise<void>(resolve => {
        const stop = followFunctionLog(dataFolder, wish, tell)
        const ignore = host.onStopAsked(() => {
          stop()
          ignore()
          resolve()
        })
      })
    },
  })
}

/** One entry for a person: when, who, in which call, what. */
export function lineOf(
  { time, level, function: name, requestId, message, call }: FunctionLogEntry,
  hasColours: boolean,
): string {
  const paint = (code: number, text: string) => (hasColours ? `\x1b[${code}m${text}\x1b[0m` : text)
  const facts = call
    ? ` ${call.durationMs} ms${call.memoryMb === undefined ? '' : `, ${call.memoryMb} MB`}, ${call.source}`
    : ''
  const word = level === 'info' ? '' : `${paint(level === 'error' ? 31 : 33, level)} `
  const request = requestId === undefined ? '' : ` ${requestId.slice(0, 8)}`
  return `${paint(2, `${time}${request}`)} ${paint(36, name)} ${word}${message}${paint(2, facts)}`
}

function wishOf(given: {
  readonly name?: string | undefined
  readonly request?: string | undefined
  readonly level?: string | undefined
  readonly search?: string | undefined
  readonly since?: string | undefined
}): LogWish {
  const { name, request, level, search, since } = given
  const known = (['debug', 'info', 'warn', 'error'] as const).find(each => each === level)
  if (level !== undefined && !known) throw new UsageError('--level is debug, info, warn or error.')
  return {
    ...(name !== undefined && { function: name }),
    ...(request !== undefined && { requestId: request }),
    ...(known && { level: known }),
    ...(search !== undefined && { text: search }),
    ...(since !== undefined && { since: momentOf(since) }),
  }
}

/** In words of a person: 10m is ten minutes ago. Throws a UsageError that names the option. */
export function momentOf(text: string, option = 'since'): number {
  const [, count, unit] = /^(\d+)([smhd])$/.exec(text) ?? []
  if (count !== undefined) return Date.now() - Number(count) * unitMs[unit as keyof typeof unitMs]
  const moment = Date.parse(text)
  if (Number.isNaN(moment)) throw new UsageError(`--${option} is 30s, 10m, 2h, 1d or a date, not "${text}".`)
  return moment
}

const unitMs = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

export function placeOf(
  host: Host,
  given: { readonly project?: string | undefined; readonly store?: string | undefined },
): { dataFolder: string; env: string | undefined } {
  const { folder, env } = readProject(resolve(host.cwd, given.project ?? '.'))
  const dataFolder = given.store === undefined ? join(folder, '.nearcloud') : resolve(host.cwd, given.store)
  return { dataFolder, env }
}

/** A misspelt option would quietly do nothing otherwise. */
export function checkNames(command: string, given: object, known: object): void {
  const names = new Set(Object.keys(known).flatMap(name => [name, inOneWord(name)]))
  for (const name of Object.keys(given))
    if (!names.has(name))
      throw new UsageError(`${command} has no option --${name}; "nearcloud ${command} --help" lists them.`)
  for (const [name, value] of Object.entries(given))
    if (value === '') throw new UsageError(`--${name} needs a value.`)
}

/** As citty gives an option with dashes besides. */
function inOneWord(name: string): string {
  return name.replace(/-(\w)/g, (_, letter: string) => letter.toUpperCase())
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}
