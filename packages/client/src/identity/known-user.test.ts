import { CloudError } from '@nearcloud/protocol'
import { TestRig } from '@nearcloud/sync/testing'
import { expect, test } from 'vitest'
import { type CloudEvents, createCloud } from '../index.ts'
import { MemoryPlatform, ScriptedFiles } from '../testing/index.ts'

/** A device whose host knows that anna uses it. */
async function setUp(options: { isOnline?: boolean; ticket?: () => Promise<string> } = {}) {
  const rig = new TestRig()
  rig.server.mayRead = (openid, _collection, document) => document._openid === openid
  const files = new ScriptedFiles()
  rig.server.files = ask => files.ask(ask)
  const platform = new MemoryPlatform(rig, files.http)
  platform.network.isUp = options.isOnline ?? true
  let tickets = 0
  const host = {
    user: 'anna',
    asked: 0,
    async ticket() {
      host.asked++
      if (options.ticket) return options.ticket()
      if (!platform.network.isUp) throw new CloudError('OFFLINE', { errMsg: 'no network' })
      const ticket = `ticket-${++tickets}`
      rig.server.tickets.set(ticket, host.user)
      return ticket
    },
  }
  Object.assign(platform, { ticket: () => host.ticket() })
  const errors: CloudEvents['error'][] = []
  const open = async () => {
    const cloud = createCloud(platform)
    cloud.on('error', error => errors.push(error))
    cloud.init({ endpoint: 'http://cloud.test', subscribe: { todos: true } })
    await rig.pass(4_000)
    await cloud.ready()
    await rig.pass()
    return cloud
  }
  const goOnline = async () => {
    platform.network.isUp = true
    platform.hint('online')
    await rig.pass(2_000)
  }
  return { rig, platform, host, errors, open, goOnline }
}

const add = (cloud: Awaited<ReturnType<Awaited<ReturnType<typeof setUp>>['open']>>, _id: string) =>
  cloud.database().collection('todos').add({ data: { _id } })

test('[IDENTITY-25] a device that nobody has used begins as whom the host knows: nobody else is ever there', async () => {
  const { open, host, rig } = await setUp()
  const cloud = await open()
  expect(cloud.auth().currentUser).toMatchObject({ uid: 'anna', isAnonymous: false })
  expect(await cloud.auth().users()).toHaveLength(1)
  await add(cloud, '1')
  await cloud.whenSynced()
  expect(rig.server.get('todos', '1')).toMatchObject({ _openid: cloud.status().openid })
  await cloud.close()
  // and is it without being asked again
  const again = await open()
  expect(again.auth().currentUser).toMatchObject({ uid: 'anna' })
  expect(host.asked).toBe(1)
})

test('[IDENTITY-25] without a network it begins anonymous, at once; with the first connection all is theirs', async () => {
  const { open, goOnline, rig, errors } = await setUp({ isOnline: false })
  const cloud = await open()
  expect(cloud.auth().currentUser).toMatchObject({ isAnonymous: true })
  await add(cloud, '1')
  const merged: unknown[] = []
  cloud.on('merged', result => merged.push(result))
  await goOnline()
  await rig.pass(5_000)
  expect(cloud.auth().currentUser).toMatchObject({ uid: 'anna', isAnonymous: false })
  await cloud.whenSynced()
  expect(merged).toHaveLength(1)
  expect((await cloud.database().collection('todos').get()).data).toMatchObject([
    { _id: '1', _openid: cloud.status().openid },
  ])
  expect(errors).toEqual([])
})

test('[IDENTITY-25] a host that takes too long is not waited for', async () => {
  const { open } = await setUp({ ticket: () => new Promise(() => undefined) })
  const cloud = await open()
  expect(cloud.auth().currentUser).toMatchObject({ isAnonymous: true })
  await add(cloud, '1')
  await cloud.close()
})

test('[IDENTITY-25] nobody signs in this way there: anonymous, without an error; a refusal is told', async () => {
  const refusing = (details: object) => async () => {
    throw new CloudError('INVALID_PARAM', { errMsg: 'no', details: { ...details } })
  }
  const silent = await setUp({ ticket: refusing({ reason: 'notKnown' }) })
  expect((await silent.open()).auth().currentUser).toMatchObject({ isAnonymous: true })
  expect(silent.errors).toEqual([])
  const loud = await setUp({ ticket: refusing({}) })
  expect((await loud.open()).auth().currentUser).toMatchObject({ isAnonymous: true })
  expect(loud.errors).toMatchObject([{ code: 'INVALID_PARAM', errMsg: 'no' }])
})

test('[IDENTITY-26] who signed out is not signed in again by the host', async () => {
  const { open, host, goOnline } = await setUp()
  const cloud = await open()
  await cloud.auth().signOut()
  await goOnline()
  expect(cloud.auth().currentUser).toMatchObject({ isAnonymous: true })
  expect(host.asked).toBe(1)
})

test('[IDENTITY-26] a session that has ended goes on by itself, with all that waited', async () => {
  const { open, host, rig, platform, goOnline } = await setUp()
  const cloud = await open()
  platform.network.isUp = false
  platform.network.cut()
  await rig.pass()
  await add(cloud, '1')
  rig.server.refusesToken = () => (host.asked < 2 ? 'expired' : undefined)
  await goOnline()
  await rig.pass(5_000)
  expect(host.asked).toBe(2)
  expect(cloud.auth().currentUser).toMatchObject({ uid: 'anna' })
  await cloud.whenSynced()
  expect(rig.server.get('todos', '1')).toMatchObject({ _openid: cloud.status().openid })
})
