import { CloudError } from '@nearcloud/protocol'
import { settle } from '@nearcloud/store/testing'
import { expect, test } from 'vitest'
import { type Send, Writes } from './writes.ts'

/** One that leads: what it was sent, to be answered. */
function leader() {
  const sent: { entry: string; number: number; refusals: number; answer(error?: CloudError): void }[] = []
  const send: Send = message =>
    new Promise((resolve, reject) => {
      const { entry, from, refusals } = message(1) as never as {
        entry: string
        from: [string, number]
        refusals: number
      }
      sent.push({
        entry,
        number: from[1],
        refusals,
        answer: error => (error ? reject(error) : resolve(undefined)),
      })
    })
  return { sent, send, numbers: () => sent.map(({ entry, number }) => [entry, number]) }
}

const full = new CloudError('STORE_FULL', { errMsg: 'full' })
const told = (written: Promise<void>) =>
  written.then(
    () => 'done',
    ({ code }: CloudError) => code,
  )

test('[TAB-26] what is written once more has the next number, its first answer counts no more, and whoever leads next gets all in order', async () => {
  const writes = new Writes('tab')
  const first = leader()
  const [removal, add] = ['remove', 'add'].map(entry => told(writes.write(entry, 'main', first.send)))
  writes.refused(['remove', 'unknown'], first.send)
  const later = told(writes.write('later', 'main', first.send))
  expect(first.numbers()).toEqual([
    ['remove', 1],
    ['add', 2],
    ['remove', 3],
    ['later', 4],
  ])
  expect(first.sent.map(({ refusals }) => refusals)).toEqual([0, 0, 1, 1])
  first.sent[0]!.answer(full)
  await settle()

  const second = leader()
  void writes.sendAgain('main', second.send)
  expect(second.numbers()).toEqual([
    ['add', 2],
    ['remove', 3],
    ['later', 4],
  ])
  for (const { answer } of second.sent) answer()
  expect(await Promise.all([removal, add, later])).toEqual(['done', 'done', 'done'])
  expect(writes.size).toBe(0)
})

test('[TAB-12] what is not written once more is refused by its answer', async () => {
  const writes = new Writes('tab')
  const { sent, send } = leader()
  const add = told(writes.write('add', 'main', send))
  writes.refused([], send)
  sent[0]!.answer(full)
  expect(await add).toBe('STORE_FULL')
  expect([writes.size, sent.length]).toEqual([0, 1])
})
