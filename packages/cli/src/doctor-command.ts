import { resolve } from 'node:path'
import { examine, type Finding } from '@nearcloud/server'
import { defineCommand } from 'citty'
import { checkNames, place, placeOf } from './function-commands.ts'
import { type Host, UsageError } from './host.ts'

/** `nearcloud doctor`: looks at all that a server needs; 1 when something keeps it from running well. */
export function doctorCommand(host: Host, exit: (code: number) => void) {
  const args = {
    port: { type: 'string', valueHint: 'number', description: 'The port that the server is going to use' },
    deep: {
      type: 'boolean',
      description: 'Reads every page and every document of the database, which takes a while',
    },
    json: { type: 'boolean', description: 'As JSON' },
    ...place,
  } as const
  return defineCommand({
    meta: {
      name: 'doctor',
      description: 'Looks at all that a server needs, and says what to do; changes nothing',
    },
    args,
    async run({ args: { _, ...given } }) {
      checkNames('doctor', given, args)
      const port = given.port === undefined ? undefined : Number(given.port)
      if (port !== undefined && !(Number.isInteger(port) && port > 0 && port < 65_536))
        throw new UsageError(`--port is a number from 1 to 65535, not "${given.port}".`)
      const { dataFolder } = placeOf(host, given)
      const project = resolve(host.cwd, given.project ?? '.')
      const findings = await examine({
        dataFolder,
        project,
        ...(port !== undefined && { port }),
        isDeep: given.deep === true,
      })
      const bad = findings.filter(({ level }) => level === 'bad').length
      exit(bad > 0 ? 1 : 0)
      if (given.json) return host.out(JSON.stringify(findings))
      for (const finding of findings) host.out(lineOf(finding, host.hasColours))
      const warned = findings.filter(({ level }) => level === 'warn').length
      if (bad > 0) host.out(`\n${bad === 1 ? 'One thing has' : `${bad} things have`} to be mended.`)
      else host.out(warned > 0 ? '\nIt works; look at what is marked.' : '\nAll is well.')
    },
  })
}

function lineOf({ level, about, words }: Finding, hasColours: boolean): string {
  const [code, sign] = ({ ok: [32, 'ok  '], warn: [33, 'look'], bad: [31, 'BAD '] } as const)[level]
  return `${hasColours ? `\x1b[${code}m${sign}\x1b[0m` : sign} ${about.padEnd(12)} ${words}`
}
