import { settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { everyOne, type Fate, TestRig } from './testing/index.ts'

/**
 * One client edits what another edits as well; the connection of the first breaks once, at the given frame. Answers with
 * how many frames there were.
 */
async function runWithFault(at: number, fate: Fate): Promise<number> {
  const rig = new TestRig(at)
  rig.server.pageSize = 2
  for (let i = 0; i < 5; i++) rig.server.put('todos', { _id: `d${i}`, n: 0, log: [] })
  rig.server.judge = write => (write.op === 'remove' ? 'nothing is removed' : undefined)
  const [ann, bob] = [await rig.client({ isStarted: false }), await rig.client()]
  void bob.sync.subscribe(everyOne('todos'))
  await rig.pass()
  ann.network.fate = (_, __, count) => (count === at ? fate : 'deliver')
  ann.sync.start()
  void ann.sync.subscribe(everyOne('todos'))
  const change = (id: string, by: number) => ({
    writes: [
      {
        op: 'update',
        collection: 'todos',
        id,
        changes: [
          ['n', 'inc', by],
          ['log', 'push', [`by ${by}`]],
        ],
      } as const,
    ],
  })
  await settle()
  await ann.sync.executor.commit(change('d0', 1))
  await ann.sync.executor.commit({ writes: [{ op: 'remove', collection: 'todos', id: 'd1' }] })
  await bob.sync.executor.commit(change('d0', 10))
  await settle()
  await ann.sync.executor.commit(change('d0', 100))
  await settle()
  await rig.pass(60_000)
  await ann.sync.executor.commit(change('d2', 1000))
  await rig.pass(60_000)

  const synced = Promise.all([ann.sync.whenSynced(), bob.sync.whenSynced()])
  await rig.pass(60_000)
  await synced
  expect(rig.server.violations).toEqual([])
  expect(rig.server.get('todos', 'd0')).toMatchObject({ n: 111 })
  expect([...(rig.server.get('todos', 'd0')!.log as string[])].sort()).toEqual(['by 1', 'by 10', 'by 100'])
  expect(rig.server.get('todos', 'd2')).toMatchObject({ n: 1000, log: ['by 1000'] })
  expect(rig.server.executed.filter(each => each.client === ann.store.checkpoint.client)).toHaveLength(4)
  for (const client of [ann, bob]) {
    expect(client.store.outbox.size).toBe(0)
    const { documents } = await client.sync.executor.run({ verb: 'get', query: everyOne('todos') })
    expect(documents).toEqual(rig.server.find(everyOne('todos'), 'anyone'))
  }
  expect(ann.namesOf('pending')).toHaveLength(4)
  expect(ann.namesOf('accepted')).toHaveLength(3)
  expect(ann.namesOf('rejected')).toHaveLength(1)
  expect(ann.store.rejected.map(each => each.mutation.id)).toEqual([2])
  const { frames } = ann.network
  for (const client of [ann, bob]) await client.stop()
  return frames
}

test('[LINK-1] cut at every frame, and right behind every frame, nothing is lost and nothing doubled', async () => {
  const frames = await runWithFault(Number.POSITIVE_INFINITY, 'deliver')
  expect(frames).toBeGreaterThan(15)
  for (let at = 1; at <= frames; at++) {
    await runWithFault(at, 'cut')
    await runWithFault(at, 'cutAfter')
  }
})

test.each(['lose', 'twice'] as const)(
  '[NUMBER-2] whichever frame is mistreated (%s), nothing is lost and nothing doubled',
  async fate => {
    const frames = await runWithFault(Number.POSITIVE_INFINITY, 'deliver')
    for (let at = 1; at <= frames; at++) await runWithFault(at, fate)
  },
)
