import { expect, test } from 'vitest'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { admin, alice, openWorld } from '../testing/scenario.ts'
import { ReadingRight } from './reading-right.ts'

async function openRight() {
  const engine = new MemoryEngine()
  const world = openWorld(engine)
  const data = { public: true }
  await world.environment.commit({
    actor: admin,
    writes: [{ op: 'add', collection: 'notes', id: 'n', data }],
  })
  let answer = () => {}
  const answered = new Promise<void>(resolve => {
    answer = resolve
  })
  const read = engine.get.bind(engine)
  engine.get = async (...asked) => {
    await answered
    return read(...asked)
  }
  const said: unknown[] = []
  const right = new ReadingRight({
    environment: world.environment,
    user: alice,
    place: { collection: 'notes', id: 'n', path: 'body' },
    send: frame => said.push(frame[0]),
    lost: isGone => said.push(isGone ? 'gone' : 'lost'),
    failed: thrown => said.push(thrown),
  })
  return { ...world, right, said, answer }
}

const frame = (n: number) => Uint8Array.from([n])
const turns = async () => {
  for (let turn = 0; turn < 20; turn++) await new Promise(resolve => setImmediate(resolve))
}

test('[GATEWAY-5] while it is not known whether somebody may still read, nothing is said; then all of it, in order', async () => {
  const { right, said, answer } = await openRight()
  right.tell(frame(1))
  right.judgeAnew()
  right.judgeAnew()
  right.tell(frame(2))
  right.tell(frame(3))
  await turns()
  expect(said).toEqual([1])
  answer()
  await turns()
  right.tell(frame(4))
  expect(said).toEqual([1, 2, 3, 4])
})

test('[GATEWAY-5] what was to be said to somebody who may not read any more is never said', async () => {
  const { right, said, answer, judge } = await openRight()
  judge.mayRead = () => false
  right.judgeAnew()
  right.tell(frame(1))
  answer()
  await turns()
  expect(said).toEqual(['lost'])
})

test('[GATEWAY-5] a document that is known is judged at once; one that is gone ends it', async () => {
  const { right, said } = await openRight()
  right.judgeAnew({ _id: 'n', public: true })
  right.tell(frame(1))
  right.judgeAnew({ _id: 'n', public: false })
  right.judgeAnew(null)
  expect(said).toEqual([1, 'lost', 'gone'])
})
