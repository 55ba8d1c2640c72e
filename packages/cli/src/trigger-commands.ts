import { type TriggerTools, triggersAsOperator } from '@nearcloud/server'
import { defineCommand } from 'citty'
import { checkNames, place, placeOf } from './function-commands.ts'
import { type Host, UsageError } from './host.ts'

type Letter = Awaited<ReturnType<TriggerTools['list']>>['deadLetters'][number]

/** `nearcloud triggers`: when timers run next, and the events that were given up. */
export function triggersCommand(host: Host, exit: (code: number) => void) {
  const args = {
    replay: {
      type: 'string',
      valueHint: 'which',
      description: 'Brings dead letters once more: "all", or FUNCTION/TRIGGER/ID as they are listed',
    },
    discard: { type: 'string', valueHint: 'which', description: 'Forgets dead letters, likewise' },
    events: { type: 'boolean', description: 'Shows the events of the dead letters, too' },
    ...place,
  } as const
  return defineCommand({
    meta: { name: 'triggers', description: 'Shows timers and dead letters of the server that runs' },
    args,
    async run({ args: { _, ...given } }) {
      checkNames('triggers', given, args)
      if (_.length > 0) throw new UsageError('it is "nearcloud triggers", with options only.')
      const tools = toolsOf(host, given)
      const { timers, deadLetters } = await tools.list()
      if (given.replay !== undefined)
        return exit(await replay(host, tools, chosen(deadLetters, given.replay)))
      if (given.discard !== undefined) {
        const letters = chosen(deadLetters, given.discard)
        for (const letter of letters) await tools.discard(letter)
        return host.out(`${letters.length} dead letters are forgotten.`)
      }
      for (const { function: name, name: trigger, expression, next } of timers)
        host.out(
          `${name}/${trigger}  ${expression}  ${next === undefined ? 'never' : new Date(next).toISOString()}`,
        )
      if (deadLetters.length === 0) host.out('No dead letters.')
      for (const letter of deadLetters) {
        const { tries, time, error } = letter
        host.out(`${nameOf(letter)}  ${new Date(time).toISOString()}  ${tries} tries: ${error.errMsg}`)
        if (given.events) host.out(letter.event)
      }
    },
  })
}

/** `nearcloud outbox`: what functions said to WeChat while the server had no credentials. */
export function outboxCommand(host: Host) {
  const args = { clear: { type: 'boolean', description: 'Forgets them' }, ...place } as const
  return defineCommand({
    meta: { name: 'outbox', description: 'Shows what functions would have sent to WeChat' },
    args,
    async run({ args: { _, ...given } }) {
      checkNames('outbox', given, args)
      if (_.length > 0) throw new UsageError('it is "nearcloud outbox", with options only.')
      const tools = toolsOf(host, given)
      const entries = await tools.outbox()
      for (const { time, function: name, api, args: sent } of entries)
        host.out(`${new Date(time).toISOString()}  ${name}  ${api}  ${JSON.stringify(sent)}`)
      if (entries.length === 0) host.out('The outbox is empty.')
      if (given.clear) await tools.clearOutbox()
    },
  })
}

async function replay(host: Host, tools: TriggerTools, letters: readonly Letter[]): Promise<number> {
  let failed = 0
  for (const letter of letters)
    if (await tools.replay(letter)) host.out(`${nameOf(letter)}  taken`)
    else {
      failed++
      host.err(`${nameOf(letter)}  failed again`)
    }
  return failed === 0 ? 0 : 1
}

function chosen(letters: readonly Letter[], which: string): readonly Letter[] {
  if (which === 'all') return letters
  const found = letters.filter(letter => nameOf(letter) === which)
  if (found.length > 0) return found
  throw new UsageError(`there is no dead letter ${which}; "nearcloud triggers" lists them.`)
}

function nameOf({ function: name, trigger, id }: Letter): string {
  return `${name}/${trigger}/${id}`
}

function toolsOf(host: Host, given: Parameters<typeof placeOf>[1]): TriggerTools {
  const { dataFolder, env } = placeOf(host, given)
  return triggersAsOperator({ dataFolder, ...(env !== undefined && { env }) })
}
