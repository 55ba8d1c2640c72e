import { expect, test } from 'vitest'
import { openApp } from '../scenario/app.ts'
import { openTo, startServer } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'
import { openMini, testPhone } from './mini-app.ts'

test('[MP-41] a phone in a lift and another app edit one text, meet, and have the same', async () => {
  const server = await startServer({ rules: openTo('notes') })
  const options = {
    endpoint: server.url,
    env: server.env,
    login: 'none',
    subscribe: { notes: true },
  } as const
  const phone = testPhone()
  const first = openMini(phone, options)
  const other = await openApp(server, { follow: ['notes'] })
  await first
    .database()
    .collection('notes')
    .add({ data: { _id: 'n', body: first.database().Text('one two') } })
  await first.whenSynced()
  await other.whenSynced()
  const theirs = await other.database().collection('notes').doc('n').text('body')
  phone.goOffline()
  const hers = await first.database().collection('notes').doc('n').text('body')
  hers.ytext.insert(0, 'zero ')
  await first.database().collection('notes').doc('n').get()
  theirs.ytext.insert(theirs.ytext.length, ' three')
  await other.whenSynced()
  phone.kill()

  const again = openMini(phone, options)
  const later = await again.database().collection('notes').doc('n').text('body')
  expect(String(later)).toBe('zero one two')
  phone.goOnline()
  await until(
    'both have both',
    () => String(later) === 'zero one two three' && String(theirs) === String(later),
  )
  await until('the field says so', async () => {
    const { data } = await server.database().collection('notes').doc('n').get()
    return data?.body === 'zero one two three'
  })
})
