import { join } from 'node:path'
import { expect, test } from 'vitest'
import { createDice } from '../scenario/dice.ts'
import { testFolder } from '../scenario/folder.ts'
import { startServer } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'
import { rules } from './deeds.ts'
import { judge } from './judge.ts'
import { readSavedState } from './saved-state.ts'
import { Writer } from './writer.ts'

test('[CRASH-3] what a server has stored is read from a copy, and is what its clients did', async () => {
  const dataFolder = join(testFolder('data'), 'data')
  const server = await startServer({ rules, dataFolder })
  const folder = testFolder('w0')
  const writer = await Writer.open({
    name: 'w0',
    endpoint: server.url,
    folder,
    shared: ['one', 'two'],
    writers: ['w0'],
  })
  await writer.sayHello()
  await writer.makeShared()
  writer.start(createDice(1))
  await until('sixty acknowledgements', () => writer.acknowledged.size >= 60)
  await writer.stop()
  await writer.cloud.whenSynced()
  const saved = readSavedState(dataFolder, testFolder('copies'))
  expect(writer.complaints).toEqual([])
  expect(judge(saved, [writer])).toEqual([])
  expect(saved.head).toBeGreaterThan(40)
  expect([...saved.lastMutations.values()]).toEqual([writer.deeds.length])
  expect(
    judge(saved, [{ ...writer, name: 'w0', deeds: writer.deeds.slice(0, -1), acknowledged: new Set() }]),
  ).not.toEqual([])
  await writer.close()
})
