import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { testProject } from './scenario/folder.ts'
import { startServer } from './scenario/server.ts'
import { openTapped } from './scenario/tapped-app.ts'
import { until } from './scenario/until.ts'

const rulesWith = (maxLength: number) => ({
  database: { notes: { read: true, write: true, fields: { pinned: false } } },
  schemas: { notes: { properties: { title: { type: 'string', maxLength } } } },
})

test('[SCHEMA-1] [SCHEMA-6] [FIELDRULE-1] what a device wrote against the schema or a field’s rule is taken back, with the path', async () => {
  const project = testProject(rulesWith(5))
  const server = await startServer({ rules: null, project })
  const { cloud } = await openTapped(server)
  const notes = cloud.database().collection('notes')
  const rejected: { code: string; path: unknown }[] = []
  cloud.on('rejected', ({ code, details }) => rejected.push({ code, path: details?.path }))
  await notes.add({ data: { _id: 'a', title: 'short' } })
  await notes.add({ data: { _id: 'b', title: 'too long for it' } })
  await notes.doc('a').update({ data: { pinned: true } })
  await cloud.whenSynced()
  await until('both are refused', () => rejected.length === 2)
  expect(rejected).toEqual([
    { code: 'DATABASE_REQUEST_FAILED', path: 'title' },
    { code: 'DATABASE_PERMISSION_DENIED', path: 'pinned' },
  ])
  const read = async () => (await server.database().collection('notes').orderBy('_id', 'asc').get()).data
  expect(await read()).toEqual([expect.objectContaining({ _id: 'a', title: 'short' })])
  // a schema that changes is in force at once
  writeFileSync(join(project, 'rules.json'), JSON.stringify(rulesWith(50)))
  await until('the longer title is let in', async () => {
    const id = `c${rejected.length}`
    await notes.doc(id).set({ data: { title: 'too long for it' } })
    await cloud.whenSynced()
    return (await read()).some(({ _id }) => _id === id)
  })
})
