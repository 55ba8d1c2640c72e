import { expect, test } from 'vitest'
import { startServer } from './scenario/server.ts'
import { openTapped } from './scenario/tapped-app.ts'
import { until } from './scenario/until.ts'

test('[SIGNIN-19] a role that is given or taken counts at once on a device that is connected', async () => {
  const rules = { database: { reports: { read: "'editor' in auth.roles", write: false } } }
  const server = await startServer({ rules })
  const reports = server.database().collection('reports')
  await reports.add({ data: { _id: 'r1', text: 'for editors' } })
  const { cloud } = await openTapped(server)
  await cloud
    .auth()
    .signInWithCustomTicket(await server.users.createTicket('anna'), { anonymousData: 'discard' })
  const seen: (number | string)[] = []
  const told: unknown[] = []
  const watch = () =>
    cloud
      .database()
      .collection('reports')
      .watch({
        onChange: ({ docs }) => {
          told.push(...docs)
          seen.push(docs.length)
        },
        onError: error => seen.push((error as { code?: string }).code ?? String(error)),
      })
  watch()
  await until('the watch is refused', () => seen.at(-1) === 'DATABASE_PERMISSION_DENIED')
  expect(await server.users.changeRoles('anna', { grant: ['editor'] })).toEqual(['editor'])
  await until('the report may be read', async () => {
    if (seen.at(-1) === 1) return true
    watch()
    return false
  })
  await server.users.changeRoles('anna', { revoke: ['editor'] })
  await until('it may not be read any more', () => seen.at(-1) !== 1)
  await reports.add({ data: { _id: 'r2', text: 'SECRET' } })
  await cloud.whenSynced()
  expect(JSON.stringify(told)).toContain('for editors')
  expect(JSON.stringify(told)).not.toContain('SECRET')
})
