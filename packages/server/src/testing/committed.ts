import { SqliteEngine } from '../engine/sqlite-engine.ts'
import { systemRandom } from '../host.ts'

/** A mutation of a client of `committing-process.ts`. */
export type Acknowledged = readonly [client: string, id: number]

/** The lines that `committing-process.ts` has said whole. Throws for a mutation that was refused. */
export function acknowledgedIn(said: string): Acknowledged[] {
  return said
    .split('\n')
    .slice(0, -1)
    .map(line => {
      const [client, id, status] = line.split(' ')
      if (status !== 'accepted') throw new Error(`refused: ${line}`)
      return [client!, Number(id)]
    })
}

/**
 * Opens what `committing-process.ts` left behind: all that it acknowledged has to be there, and what is there whole, once. In words what is not so;
 * undefined when all is.
 */
export async function whatIsWrong(
  file: string,
  acknowledged: readonly Acknowledged[],
): Promise<string | undefined> {
  const engine = new SqliteEngine({ file, random: systemRandom })
  try {
    let decided = 0
    for (const client of ['a', 'b', 'c', 'd', 'e']) {
      const last = (await engine.client('test', client))?.lastMutation ?? 0
      decided += last
      const ids = Array.from({ length: last + 2 }, (_, n) => `${client}-${n + 1}`)
      const there = (await engine.get('test', 'todos', ids)).map(row => row !== null)
      if (there.indexOf(false) !== last || there.lastIndexOf(true) !== last - 1)
        return `documents of ${client}: ${there}`
      const outcomes = (await engine.outcomes('test', client, 0)).map(each => each.outcome.id)
      if (
        outcomes.join() !==
        ids
          .slice(0, last)
          .map((_, n) => n + 1)
          .join()
      )
        return `outcomes of ${client}: ${outcomes}`
      for (const [name, id] of acknowledged)
        if (name === client && id > last)
          return `acknowledged and lost: ${client} ${id}, of which ${last} are there`
    }
    const [shared] = await engine.get('test', 'counters', ['shared'])
    if (!shared) return decided === 0 && acknowledged.length === 0 ? undefined : 'the counter is not there'
    const { n } = JSON.parse(shared.text) as { n: number }
    const facts = [n, await engine.head('test'), (await engine.log('test', 0, 1_000_000))?.length]
    const wanted = [decided, decided + 1, 1 + decided * 2]
    return facts.join() === wanted.join()
      ? undefined
      : `counter, head and history are ${facts}, not ${wanted}`
  } finally {
    await engine.close()
  }
}
