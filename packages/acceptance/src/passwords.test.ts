import type { Cloud } from '@nearcloud/client'
import { expect, test } from 'vitest'
import { testProject } from './scenario/folder.ts'
import { startServer } from './scenario/server.ts'
import { openTapped } from './scenario/tapped-app.ts'
import { until } from './scenario/until.ts'

/** Everybody has what they made. */
const start = () => startServer({ rules: null, project: testProject({}), passwords: { signUp: true } })

const anna = { username: 'anna', password: 'correct horse' }
const add = (cloud: Cloud, _id: string) => cloud.database().collection('notes').add({ data: { _id } })
const idsOf = async (cloud: Cloud) => {
  const { data } = await cloud.database().collection('notes').orderBy('_id', 'asc').get()
  return data.map(({ _id }) => _id)
}

test('[IDENTITY-28] [SIGNIN-7] what was written before an account was made comes with its user to another device', async () => {
  const server = await start()
  const [phone, tablet] = [await openTapped(server), await openTapped(server)]
  await add(phone.cloud, 'n1')
  const { anonymousData } = await phone.cloud.auth().signUp({ ...anna, anonymousData: 'merge' })
  expect(anonymousData).toEqual({ choice: 'merge', documents: 1, left: 0 })
  await tablet.cloud.auth().signIn({ ...anna, username: 'ANNA' })
  await tablet.cloud.whenSynced()
  expect(await idsOf(tablet.cloud)).toEqual(['n1'])
  expect(tablet.cloud.status().openid).toBe(await server.users.find('pw:anna'))
  for (const { sent } of [phone, tablet]) expect(sent.join()).not.toContain(anna.password)
  await expect(tablet.cloud.auth().signUp({ ...anna })).rejects.toMatchObject({
    details: { reason: 'taken' },
  })
})

test('[IDENTITY-29] [PASSWORD-9] a new password ends the session of the other device, which keeps what it wrote until it knows it', async () => {
  const server = await start()
  const [phone, tablet] = [await openTapped(server), await openTapped(server)]
  const ended: string[][] = [[], []]
  for (const [n, { cloud }] of [phone, tablet].entries())
    cloud.on('signInNeeded', ({ reason }) => ended[n]!.push(reason))
  await phone.cloud.auth().signUp(anna)
  await tablet.cloud.auth().signIn(anna)
  await Promise.all([phone.cloud.whenSynced(), tablet.cloud.whenSynced()])

  await phone.cloud.auth().setPassword({ old_password: anna.password, new_password: 'battery staple' })
  await until('the other session ends', () => ended[1]!.length > 0)
  await add(phone.cloud, 'of the phone')
  await phone.cloud.whenSynced()
  await add(tablet.cloud, 'of the tablet')
  expect(ended).toEqual([[], ['ended']])
  expect(tablet.cloud.status()).toMatchObject({ pending: 1, state: 'offline' })

  const auth = tablet.cloud.auth()
  await expect(auth.signIn(anna)).rejects.toMatchObject({
    code: 'TOKEN_REFUSED',
    details: { reason: 'password' },
  })
  await auth.signIn({ ...anna, password: 'battery staple' })
  await tablet.cloud.whenSynced()
  expect(await idsOf(tablet.cloud)).toEqual(['of the phone', 'of the tablet'])
})
