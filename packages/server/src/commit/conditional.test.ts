import type { Write } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { admin, openWorld } from '../testing/scenario.ts'

const inc: Write = { op: 'update', collection: 'todos', id: 'a', changes: [['n', 'inc', 1]] }
const add: Write = { op: 'add', collection: 'todos', id: 'a', data: { n: 0 } }
const seenAt = (version: number, id = 'a') => [{ collection: 'todos', id, version }]

test('[COMMIT-42] writes are refused when a document is not the one that was seen, also within one group', async () => {
  const { environment, documents } = openWorld()
  const { outcome } = await environment.commit({ actor: admin, writes: [add], seen: seenAt(0) })
  expect(outcome).toMatchObject({ status: 'accepted', version: 1 })
  const [first, second, other] = await Promise.all([
    environment.commit({ actor: admin, writes: [inc], seen: seenAt(1) }),
    environment.commit({ actor: admin, writes: [inc], seen: seenAt(1) }),
    environment.commit({ actor: admin, writes: [inc], seen: seenAt(0, 'none') }),
  ])
  expect([first, second, other].map(each => each.outcome.status)).toEqual([
    'accepted',
    'rejected',
    'accepted',
  ])
  expect(second.outcome).toMatchObject({ code: 'DATABASE_TRANSACTION_CONFLICT', details: { id: 'a' } })
  expect(await documents()).toEqual([{ _id: 'a', n: 2 }])
})

test('[COMMIT-41] what is decided once under a name gets its first answer again, within a group, later, and after a restart', async () => {
  const engine = new MemoryEngine()
  const { environment } = openWorld(engine)
  await environment.commit({ actor: admin, writes: [add] })
  const asked = { actor: admin, writes: [inc], once: 'e1/0' }
  const decisions = [
    ...(await Promise.all([environment.commit(asked), environment.commit(asked)])),
    await environment.commit(asked),
    await openWorld(engine).environment.commit(asked),
  ]
  for (const decision of decisions) expect(decision).toEqual(decisions[0])
  expect(decisions[0]).toMatchObject({ effects: [{ id: 'a', existed: true, exists: true }] })
  const { documents } = openWorld(engine)
  expect(await documents()).toEqual([{ _id: 'a', n: 1 }])
})

test('[COMMIT-41] a refusal is not remembered under the name', async () => {
  const { environment, documents } = openWorld()
  await environment.commit({ actor: admin, writes: [add] })
  const once = 'e1/0'
  const refused = await environment.commit({ actor: admin, writes: [add], once })
  expect(refused.outcome).toMatchObject({ status: 'rejected', code: 'DUPLICATE_ID' })
  await environment.commit({ actor: admin, writes: [inc], once })
  expect(await documents()).toEqual([{ _id: 'a', n: 1 }])
})
