import type { PathChange, Write } from '@nearcloud/protocol'
import { seededRandom } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { everyOne, type TestClient, TestRig } from './testing/index.ts'

/**
 * Random edits of three clients on a few documents, with cuts, lost frames' connections, crashes of clients at any step of
 * their storage, refusals and changing rights; then quiet. A seed gives the same run each time.
 */
async function simulate(seed: number): Promise<void> {
  const random = seededRandom(seed)
  const below = (n: number) => ((random(1)[0]! << 8) | random(1)[0]!) % n
  const rig = new TestRig(seed * 100)
  rig.server.pageSize = 2
  rig.server.namesCollections = seed % 2 === 0
  const pieceCharacters = seed % 4 === 1 ? 10 : 1_000_000
  rig.server.judge = write =>
    write.op === 'update' && String(write.id) === 'd3' ? 'd3 is not for you' : undefined
  let isFaulty = true
  let hidden = ''
  rig.server.mayRead = (_openid, _collection, { _id }) => _id !== hidden

  interface Actor {
    client: TestClient
  }
  const watchFate = (actor: Actor) => {
    actor.client.network.fate = () =>
      !isFaulty || below(60) > 0 ? 'deliver' : below(2) === 0 ? 'cut' : 'cutAfter'
    void actor.client.sync.subscribe(everyOne('docs'))
  }
  const actors: Actor[] = []
  for (let i = 0; i < 3; i++) {
    const actor = { client: await rig.client({ isStarted: false, pieceCharacters }) }
    watchFate(actor)
    actor.client.sync.start()
    actors.push(actor)
  }

  /** Pushed by an update whose promise resolved. */
  const promised: string[] = []
  let tokens = 0
  async function edit(actor: Actor): Promise<void> {
    const id = `d${below(6)}`
    const token = `t${++tokens}`
    const changes: PathChange[] = [
      ['n', 'inc', 1],
      ['log', 'push', [token]],
    ]
    const write: Write =
      below(6) === 0
        ? { op: 'add', collection: 'docs', id, data: { n: 0, log: [] } }
        : { op: 'update', collection: 'docs', id, changes }
    try {
      await actor.client.sync.executor.commit({ writes: [write] })
      if (write.op === 'update') promised.push(token)
    } catch {
      // a document that exists already, or a storage that refused
    }
  }

  async function crash(actor: Actor): Promise<void> {
    const { medium, sync, store, network } = actor.client
    medium.clearFault()
    medium.faultAt(1, 'stop')
    void store.confirm({})
    await medium.stopped
    void sync.stop() // nothing of that process is answered any more: it ends in the middle of whatever it did
    network.cut()
    medium.restart()
    actor.client = await rig.client({ medium, isStarted: false, pieceCharacters })
    watchFate(actor)
    actor.client.sync.start()
  }

  for (let step = 0; step < 120; step++) {
    const actor = actors[below(3)]!
    const dice = below(20)
    if (dice < 9) await edit(actor)
    else if (dice < 11) actor.client.network.cut()
    else if (dice < 12) actor.client.network.isUp = !actor.client.network.isUp
    else if (dice < 13) actor.client.medium.faultAt(1 + below(3), 'fail')
    else if (dice < 14 && below(3) === 0) await crash(actor)
    else if (dice < 15 && below(8) === 0) {
      hidden = below(2) === 0 ? '' : 'd1'
      rig.server.viewKey = `view-${step}`
      for (const session of [...rig.server.sessions]) session.close()
    } else await rig.pass(below(400))
  }
  isFaulty = false
  for (const { client } of actors) {
    client.medium.clearFault()
    client.network.isUp = true
    client.sync.wake()
  }
  for (let i = 0; i < 20; i++) await rig.pass(30_000)

  expect(rig.server.violations).toEqual([])
  const wanted = rig.server.find(everyOne('docs'), 'anyone')
  for (const { client } of actors) {
    expect(client.store.outbox.size).toBe(0)
    expect(client.store.run({ verb: 'get', query: everyOne('docs') }).documents).toEqual(wanted)
    for (const document of wanted)
      expect(client.store.confirmed('docs', document._id)?.document).toEqual(document)
  }
  const nonces = rig.server.executed.map(({ mutation }) => mutation.nonce)
  expect(new Set(nonces).size).toBe(nonces.length)
  const pushed = rig.server.executed.flatMap(({ mutation }) =>
    mutation.writes.flatMap(write => (write.op === 'update' ? (write.changes[1]![2] as string[]) : [])),
  )
  expect(new Set(pushed).size).toBe(pushed.length)
  for (const token of promised) expect(pushed).toContain(token)
  for (const document of rig.server.all('docs')) {
    const log = (document.log ?? []) as string[]
    expect(document.n ?? 0).toBe(log.length) // every increment with its push, each once
    expect(new Set(log).size).toBe(log.length)
  }
  for (const { client } of actors) await client.stop()
}

test('[LINK-1] whatever breaks when, replicas end equal to the server, and each edit counts once', async () => {
  for (let seed = 1; seed <= 25; seed++) {
    try {
      await simulate(seed)
    } catch (error) {
      throw new Error(`seed ${seed}`, { cause: error })
    }
  }
})
