import { type ServerStatus, serverProcess, statusAsOperator } from '@nearcloud/server'
import { defineCommand } from 'citty'
import { checkNames, place, placeOf } from './function-commands.ts'
import { type Host, UsageError } from './host.ts'

/** `nearcloud status`: 0 it runs and is well, 1 it runs and is not, 3 it does not run. */
export function statusCommand(host: Host, exit: (code: number) => void) {
  const args = { json: { type: 'boolean', description: 'As JSON' }, ...place } as const
  return defineCommand({
    meta: {
      name: 'status',
      description: 'Says whether the server runs, and how it is; 0: well, 1: not, 3: none runs',
    },
    args,
    async run({ args: { _, ...given } }) {
      checkNames('status', given, args)
      const { dataFolder, env } = placeOf(host, given)
      const status = await statusAsOperator({ dataFolder, ...(env !== undefined && { env }) })
      exit(!status ? 3 : status.failure ? 1 : 0)
      if (given.json) host.out(JSON.stringify(status ?? null))
      else host.out(status ? wordsOf(status, Date.now()) : `No server runs on ${dataFolder}.`)
    },
  })
}

/** `nearcloud stop`: as SIGTERM to the server of the data folder. Resolves when it has let the folder go. */
export function stopCommand(host: Host, exit: (code: number) => void) {
  const args = {
    wait: { type: 'string', valueHint: 'seconds', description: 'How long it may take (default: 30)' },
    ...place,
  } as const
  return defineCommand({
    meta: {
      name: 'stop',
      description: 'Stops the server that runs on the data folder, and waits for its end',
    },
    args,
    async run({ args: { _, ...given } }) {
      checkNames('stop', given, args)
      const seconds = Number(given.wait ?? 30)
      if (!(seconds > 0)) throw new UsageError(`--wait is a number of seconds, not "${given.wait}".`)
      const { dataFolder } = placeOf(host, given)
      const pid = serverProcess(dataFolder)
      if (pid === undefined) return host.out(`No server runs on ${dataFolder}.`)
      host.out(`Stopping process ${pid} …`)
      process.kill(pid, 'SIGTERM')
      const end = Date.now() + seconds * 1000
      while (serverProcess(dataFolder) === pid && Date.now() < end)
        await new Promise(resolve => setTimeout(resolve, 50))
      if (serverProcess(dataFolder) !== pid) return host.out('Stopped. Everything is in the data folder.')
      host.err(
        `nearcloud: process ${pid} still runs after ${seconds} s: look at its log, or end it by "kill -9 ${pid}"; what was acknowledged is in the data folder.`,
      )
      exit(1)
    },
  })
}

function wordsOf(status: ServerStatus, now: number): string {
  const { url, pid, env, since, connections, subscriptions, waiting, version, failure } = status
  const row = (label: string, value: string | number) => `  ${label.padEnd(14)} ${value}`
  return [
    failure ? `It runs, and is not well: ${failure.errMsg} (${failure.code}).` : 'It runs, and is well.',
    row('server', `${url} (process ${pid})`),
    row('env', env),
    row('since', `${new Date(since).toISOString()} (${durationOf(now - since)})`),
    row('clients', `${connections}, following ${subscriptions} queries`),
    row('version', `${version}${waiting > 0 ? `, ${waiting} commits wait` : ''}`),
    row('documents', sizeOf(status.documentBytes)),
    row('history', sizeOf(status.historyBytes)),
  ].join('\n')
}

function durationOf(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  return hours < 48 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} days`
}

function sizeOf(bytes: number): string {
  return `${(bytes / 1e6).toFixed(1)} MB`
}
