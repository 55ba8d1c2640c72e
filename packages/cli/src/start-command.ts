import { resolve } from 'node:path'
import { defineCommand } from 'citty'
import { type Host, UsageError } from './host.ts'
import { start } from './start.ts'

/** `nearcloud start`: its options, checked. */
export function startCommand(host: Host, version: string, exit: (code: number) => void) {
  return defineCommand({
    meta: { name: 'start', description: 'Runs the server, and hosts the app of the project' },
    args: options,
    async run({ args }) {
      checkNames('start', args, options)
      exit(await start({ version, ...readOptions(args, host) }, host))
    },
  })
}

/** `nearcloud dev`: the same for who writes the app: functions are heard here, and a debugger may look into one. */
export function devCommand(host: Host, version: string, exit: (code: number) => void) {
  return defineCommand({
    meta: { name: 'dev', description: 'Runs the server, tells what functions say, and lets a debugger in' },
    args: devOptions,
    async run({ args }) {
      checkNames('dev', args, devOptions)
      const port =
        args['inspect-port'] === undefined ? 9_229 : parsePort('inspect-port', args['inspect-port'])
      const inspect = args.inspect === undefined ? {} : { inspect: { function: args.inspect, port } }
      exit(await start({ version, ...readOptions(args, host), tellsFunctions: true, ...inspect }, host))
    },
  })
}

function readOptions(args: Readonly<Record<keyof typeof options, string | undefined>>, host: Host) {
  const folder = (asked: string | undefined) => (asked === undefined ? undefined : resolve(host.cwd, asked))
  return {
    project: resolve(host.cwd, args.project ?? '.'),
    data: folder(args.data),
    site: folder(args.site),
    host: args.host,
    logForm: logFormOf(args.log),
    metricsPort:
      args['metrics-port'] === undefined ? undefined : parsePort('metrics-port', args['metrics-port']),
    port: args.port === undefined ? undefined : parsePort('port', args.port),
    origins: args.origins === undefined ? undefined : parseOrigins(args.origins),
  }
}

const options = {
  project: {
    type: 'string',
    valueHint: 'dir',
    description: 'The folder with nearcloud.json, rules.json and cloudfunctions/ (default: this folder)',
  },
  data: {
    type: 'string',
    valueHint: 'dir',
    description: 'Where documents and files are kept (default: .nearcloud in the project)',
  },
  port: {
    type: 'string',
    valueHint: 'number',
    description: 'The port to listen on (default: the one of the last time, or any free one)',
  },
  log: {
    type: 'string',
    valueHint: 'form',
    description: 'text: warnings and errors (default); json: all that happens, a line of JSON each',
  },
  'metrics-port': {
    type: 'string',
    valueHint: 'number',
    description: 'Where Prometheus reads /metrics without a token, on this machine',
  },
  host: {
    type: 'string',
    valueHint: 'address',
    description: 'The address to listen on; 0.0.0.0 lets other machines in (default: 127.0.0.1)',
  },
  origins: {
    type: 'string',
    valueHint: 'list',
    description:
      'Only pages of these origins may talk to the server, as in https://a.example,https://b.example (default: any)',
  },
  site: {
    type: 'string',
    valueHint: 'dir',
    description: 'The built app to host at / (default: "site" of nearcloud.json)',
  },
} as const

const devOptions = {
  ...options,
  inspect: {
    type: 'string',
    valueHint: 'function',
    description: 'Lets a debugger look into this function; its calls then have no time limit',
  },
  'inspect-port': {
    type: 'string',
    valueHint: 'number',
    description: 'Where the debugger comes in, on this machine (default: 9229)',
  },
} as const

/** A misspelt option would quietly do nothing otherwise. */
function checkNames(
  command: string,
  args: { readonly _: readonly string[] } & Readonly<Record<string, unknown>>,
  known: object,
): void {
  // of a name with a hyphen there is a second spelling
  for (const name of Object.keys(args))
    if (name !== '_' && !Object.hasOwn(known, name) && !Object.hasOwn(known, hyphened(name)))
      throw new UsageError(`${command} has no option --${name}; "nearcloud ${command} --help" lists them.`)
  for (const name of Object.keys(known))
    if (args[name] === '') throw new UsageError(`--${name} needs a value.`)
  const [word] = args._
  if (word !== undefined)
    throw new UsageError(`${command} takes options only; did you mean "--project ${word}"?`)
}

function hyphened(name: string): string {
  return name.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

function logFormOf(text = 'text'): 'text' | 'json' {
  if (text !== 'text' && text !== 'json') throw new UsageError(`--log is text or json, not "${text}".`)
  return text
}

function parsePort(option: string, text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new UsageError(`--${option} is a number from 0 to 65535, not "${text}".`)
  return port
}

function parseOrigins(text: string): readonly string[] {
  return text.split(',').map(word => {
    const origin = word.trim()
    if (!/^https?:\/\/[^/\s,]+$/.test(origin))
      throw new UsageError(
        `--origins are origins as in https://app.example, without a path, not "${origin}".`,
      )
    return origin
  })
}
