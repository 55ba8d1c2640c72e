import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Cloud } from '@nearcloud/client'
import { runNearcloud } from 'nearcloud'
import { expect, test } from 'vitest'
import { testFolder, testProject } from './scenario/folder.ts'
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

test('[OPERATOR-1] [SIGNIN-15] who is deleted by the command is sent away at once; what it owned stays, and is nobody’s', async () => {
  const project = testProject({})
  const dataFolder = testFolder('data')
  const server = await startServer({ rules: null, project, dataFolder, passwords: { signUp: true } })
  const { cloud } = await openTapped(server)
  const ended: string[] = []
  cloud.on('signInNeeded', ({ reason }) => ended.push(reason))
  await cloud.auth().signUp(anna)
  await add(cloud, 'n1')
  await cloud.whenSynced()
  const { openid } = cloud.status()
  const command = async (...words: string[]) => {
    const said: string[] = []
    const code = await runNearcloud(['users', ...words, '--project', project, '--store', dataFolder], {
      cwd: project,
      hasColours: false,
      isTyped: false,
      variable: () => undefined,
      secret: async () => anna.password,
      out: text => said.push(text),
      err: text => said.push(text),
      onStopAsked: () => () => undefined,
    })
    return [code, ...said].join(' ')
  }
  expect(await command('list')).toMatch(new RegExp(`^0 pw:anna\t${openid}\t20`))
  expect(await command('sign-out', 'pw:anna')).toBe('0 pw:anna is signed out everywhere.')
  await until('the session ends', () => ended.includes('ended'))
  await cloud.auth().signIn(anna)
  await cloud.whenSynced()
  expect(await command('delete', 'pw:anna')).toMatch(/^0 pw:anna is deleted/)
  await until('the user ends', () => ended.includes('deleted'))
  const kept = await server.database().collection('notes').get()
  expect(kept.data).toEqual([{ _id: 'n1', _openid: openid }])

  // who gets the name from the operator later is somebody else
  await expect(cloud.auth().signUp(anna)).rejects.toMatchObject({ details: { reason: 'taken' } })
  expect(await command('add', 'anna')).toMatch(/^0/)
  const other = await openTapped(server)
  await other.cloud.auth().signIn(anna)
  await other.cloud.whenSynced()
  expect(other.cloud.status().openid).not.toBe(openid)
  expect(await idsOf(other.cloud)).toEqual([])
})

test('[FN-24] a function ends the sessions of a user, and the user', async () => {
  const project = testProject({ functions: { end: { invoke: true } } })
  const folder = join(project, 'cloudfunctions/end')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'index.js'),
    `const cloud = require('wx-server-sdk')
cloud.init()
exports.main = ({ act, name }) => cloud.auth()[act](name)
`,
  )
  const server = await startServer({ rules: null, project, passwords: { signUp: true } })
  const [anna, boss] = [(await openTapped(server)).cloud, (await openTapped(server)).cloud]
  const ended: string[] = []
  anna.on('signInNeeded', ({ reason }) => ended.push(reason))
  const credentials = { username: 'anna', password: 'correct horse' }
  await anna.auth().signUp(credentials)
  await anna.whenSynced()
  const end = async (act: string, name: unknown) =>
    (await boss.callFunction({ name: 'end', data: { act, name } as never })).result
  expect(await end('endSessions', 'pw:anna')).toBe(true)
  await until('the session ends', () => ended.includes('ended'))
  await anna.auth().signIn(credentials)
  await anna.whenSynced()
  expect(await end('deleteUser', { uid: 'pw:anna' })).toBe(true)
  await until('the user ends', () => ended.includes('deleted'))
  expect(await end('deleteUser', { uid: 'pw:anna' })).toBe(false)
  expect(await end('endSessions', 'pw:anna')).toBe(false)
  for (const name of ['pw:anna', {}, { uid: 7 }, null, { uid: 'x'.repeat(101) }])
    await expect(end('deleteUser', name)).rejects.toMatchObject({
      errMsg: expect.stringContaining('a user is named by { uid } or { openid }'),
    })
  expect(await server.users.list()).toEqual([])
})
