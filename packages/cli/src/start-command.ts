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
      checkNames(args)
      const folder = (asked: string | undefined) =>
        asked === undefined ? undefined : resolve(host.cwd, asked)
      exit(
        await start(
          {
            version,
            project: resolve(host.cwd, args.project ?? '.'),
            data: folder(args.data),
            site: folder(args.site),
            host: args.host,
            port: args.port === undefined ? undefined : parsePort(args.port),
            origins: args.origins === undefined ? undefined : parseOrigins(args.origins),
          },
          host,
        ),
      )
    },
  })
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

/** A misspelt option would quietly do nothing otherwise. */
function checkNames(args: { readonly _: readonly string[] } & Readonly<Record<string, unknown>>): void {
  for (const name of Object.keys(args))
    if (name !== '_' && !Object.hasOwn(options, name))
      throw new UsageError(`start has no option --${name}; "nearcloud start --help" lists them.`)
  for (const name of Object.keys(options))
    if (args[name] === '') throw new UsageError(`--${name} needs a value.`)
  const [word] = args._
  if (word !== undefined) throw new UsageError(`start takes options only; did you mean "--project ${word}"?`)
}

function parsePort(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN
  if (!(port <= 65_535)) throw new UsageError(`--port is a number from 0 to 65535, not "${text}".`)
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
