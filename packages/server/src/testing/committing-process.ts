import { LiveEnvironment } from '../commit/live-environment.ts'
import { SqliteEngine } from '../engine/sqlite-engine.ts'
import { systemClock, systemRandom } from '../host.ts'
import { OpenJudge } from './open-judge.ts'

/*
 * A process that commits until it is killed: five clients, each its mutations one after the other, the outcome printed
 * when it was acknowledged. `node committing-process.ts <database file> [most]`: of each so many at most, and then it ends.
 */

const [, , file = '', most = 'Infinity'] = process.argv
const engine = new SqliteEngine({ file, random: systemRandom })
const environment = new LiveEnvironment({ env: 'test', engine, clock: systemClock, judge: new OpenJudge() })
const actor = { kind: 'user', openid: 'alice' } as const

async function write(client: string): Promise<void> {
  const { row } = await environment.openClient(client, actor.openid, 0)
  for (let id = row.lastMutation + 1; id <= Number(most); id++) {
    const mutation = {
      id,
      nonce: `${client}-${id}`,
      base: 0,
      time: 0,
      writes: [
        { op: 'add', collection: 'todos', id: `${client}-${id}`, data: { n: id } },
        { op: 'update', collection: 'counters', id: 'shared', changes: [['n', 'inc', 1]] },
      ],
    } as const
    const { outcome } = await environment.commit({ actor, client: { id: client, mutation } })
    process.stdout.write(`${client} ${id} ${outcome.status}\n`)
  }
}

const shared = await engine.get('test', 'counters', ['shared'])
if (!shared[0])
  await environment.commit({
    actor: { kind: 'admin' },
    writes: [{ op: 'add', collection: 'counters', id: 'shared', data: { n: 0, public: true } }],
  })
await Promise.all(['a', 'b', 'c', 'd', 'e'].map(write))
await environment.close()
await engine.close()
