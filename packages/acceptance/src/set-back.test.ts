import { cpSync, rmSync } from 'node:fs'
import { restoreBackup } from '@nearcloud/server'
import { expect, test } from 'vitest'
import { openApp } from './scenario/app.ts'
import { testFolder, testProject } from './scenario/folder.ts'
import { openTo, startServer } from './scenario/server.ts'

/* A server that goes on from an earlier day, under real sockets and SQLite. */

for (const how of ['by hand', 'by a restore'] as const)
  test(`[RESTORE-1] a data folder put back ${how} is noticed, though it has gone on further than what was lost`, async () => {
    const rules = openTo('notes')
    const [dataFolder, copy, project] = [testFolder('data'), testFolder('copy'), testProject(rules)]
    const options = { rules, dataFolder, project }
    const first = await startServer(options)
    const notes = (server: typeof first) => server.database().collection('notes')
    for (let n = 0; n < 40; n++) await notes(first).add({ data: { _id: `d${n}`, n } })
    const app = await openApp(first, { follow: ['notes'] })
    await app.whenSynced()
    if (how === 'by hand') {
      await first.stop()
      rmSync(copy, { recursive: true })
      cpSync(dataFolder, copy, { recursive: true })
    } else {
      rmSync(copy, { recursive: true })
      await first.backup(copy)
      await first.stop()
    }

    // a day that will be lost: the app sees it, and writes in it
    const second = await startServer(options)
    app.goOnline()
    for (let n = 0; n < 5; n++)
      await notes(second)
        .doc(`d${n}`)
        .update({ data: { n: 'of the lost day' } })
    await app
      .database()
      .collection('notes')
      .add({ data: { _id: 'lost', n: 0 } })
    await app.whenSynced()
    app.goOffline()
    await app
      .database()
      .collection('notes')
      .doc('d20')
      .update({ data: { mine: true } })
    await second.stop()

    if (how === 'by hand') {
      rmSync(dataFolder, { recursive: true })
      cpSync(copy, dataFolder, { recursive: true })
    } else await restoreBackup({ from: copy, dataFolder, isReplacing: true })
    const third = await startServer(options)
    // as many versions as were lost, and more, with other content
    for (let n = 0; n < 12; n++)
      await notes(third)
        .doc(`d${n}`)
        .update({ data: { n: `other ${n}` } })

    const told: unknown[] = []
    app.on('historyLost', lost => told.push(lost))
    app.goOnline()
    await app.whenSynced()
    expect(told).toMatchObject([{ common: 40, version: 46, mutations: 1, count: 6 }])
    const here: { _id?: unknown }[] = []
    for (let skip = 0; skip < 60; skip += 20)
      here.push(
        ...(await app.database().collection('notes').orderBy('_id', 'asc').skip(skip).limit(20).get()).data,
      )
    const there = (await notes(third).limit(100).get()).data
    const byId = (documents: readonly { _id?: unknown }[]) =>
      [...documents].sort((a, b) => (String(a._id) < String(b._id) ? -1 : 1))
    expect(byId(here)).toEqual(byId(there))
    expect(there.find(({ _id }) => _id === 'd3')).toMatchObject({ n: 'other 3' })
    expect(there.find(({ _id }) => _id === 'd20')).toMatchObject({ mine: true })
    expect(there.some(({ _id }) => _id === 'lost')).toBe(false)
  })
