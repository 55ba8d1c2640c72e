import { settle } from '@nearcloud/store/testing'
import { TestRig } from '@nearcloud/sync/testing'
import { expect, test } from 'vitest'
import { type Cloud, createCloud } from '../index.ts'
import { MemoryPlatform, ScriptedFiles } from '../testing/index.ts'

/** Everything a device does when users change, broken at each step of each storage: the step fails, or the process dies. */

interface House {
  readonly rig: TestRig
  platform: MemoryPlatform
  cloud: Cloud
  ticketFor(uid: string): string
  /** A process of its own on the same media. */
  restart(): Promise<void>
}

async function setUp(): Promise<House> {
  const rig = new TestRig()
  rig.server.mayRead = (openid, _collection, document) => document._openid === openid
  const files = new ScriptedFiles()
  rig.server.files = ask => files.ask(ask)
  let tickets = 0
  const open = async (platform: MemoryPlatform) => {
    const cloud = createCloud(platform)
    cloud.init({ endpoint: 'http://cloud.test', subscribe: { todos: true } })
    await cloud.ready()
    await rig.pass()
    return cloud
  }
  const platform = new MemoryPlatform(rig, files.http)
  const house: House = {
    rig,
    platform,
    cloud: await open(platform),
    ticketFor(uid) {
      const ticket = `ticket-${++tickets}`
      rig.server.tickets.set(ticket, uid)
      return ticket
    },
    async restart() {
      const before = house.platform
      before.network.isUp = false // the dead do not talk
      before.restart()
      await rig.pass()
      house.platform = new MemoryPlatform(rig, files.http, 2)
      for (const [name, medium] of before.media) house.platform.media.set(name, medium)
      house.cloud = await open(house.platform)
    },
  }
  return house
}

const write = (cloud: Cloud, _id: string) => cloud.database().collection('todos').add({ data: { _id } })
const idsOf = async (cloud: Cloud) => {
  const { data } = await cloud.database().collection('todos').orderBy('_id', 'asc').get()
  return data.map(({ _id }) => String(_id))
}

/** Somebody with something on the server and something that waits; who waits has no network. */
async function withWrites(house: House, name: string): Promise<void> {
  const { cloud, rig } = house
  await write(cloud, `${name}1`)
  await cloud.whenSynced()
  cloud.goOffline()
  await rig.pass()
  await write(cloud, `${name}2`)
}

interface Story {
  readonly prepare: (house: House) => Promise<void>
  readonly act: (house: House) => Promise<unknown>
  /** Who may lose what waited, when the switch happened: the one who was to. */
  readonly loses?: 'anonymous' | 'anna'
  readonly gives?: true
}

const anonymous = async (house: House) => {
  await withWrites(house, 'n')
}
const both = async (house: House) => {
  await anonymous(house)
  house.cloud.goOnline()
  await house.rig.pass()
  await house.cloud.whenSynced()
  await house.cloud.auth().signInWithCustomTicket(house.ticketFor('anna'))
  await house.rig.pass()
  await withWrites(house, 'a')
}
const signIn = (anonymousData: 'keep' | 'merge' | 'discard') => async (house: House) => {
  house.cloud.goOnline()
  const signing = house.cloud.auth().signInWithCustomTicket(house.ticketFor('anna'), { anonymousData })
  signing.catch(() => undefined)
  await house.rig.pass(30_000)
  return signing
}

const stories: Readonly<Record<string, Story>> = {
  'signing in, keep': { prepare: anonymous, act: signIn('keep') },
  'signing in, discard': { prepare: anonymous, act: signIn('discard'), loses: 'anonymous' },
  'signing in, merge': { prepare: anonymous, act: signIn('merge'), gives: true },
  'back to the anonymous user': { prepare: both, act: ({ cloud }) => cloud.auth().signInAnonymously() },
  'signing out': { prepare: both, act: ({ cloud }) => cloud.auth().signOut() },
  'signing out, wiped': {
    prepare: both,
    act: ({ cloud }) => cloud.auth().signOut({ wipe: true }),
    loses: 'anna',
  },
}

for (const [title, { prepare, act, loses, gives }] of Object.entries(stories))
  test(`[IDENTITY-24] ${title}: whatever step of storage breaks, one user is active, and nothing is lost`, async () => {
    const dry = await setUp()
    await prepare(dry)
    const before = new Map([...dry.platform.media].map(([name, { steps }]) => [name, steps]))
    await act(dry)
    const places: [name: string, step: number][] = []
    for (const [name, { steps }] of dry.platform.media)
      for (let step = 1; step <= steps - (before.get(name) ?? 0); step++) places.push([name, step])
    expect(places.length).toBeGreaterThanOrEqual(8)

    let switched = 0
    let stayed = 0
    for (const kind of ['fail', 'stop'] as const)
      for (const [name, step] of places) {
        const where = `${kind} at step ${step} of ${name}`
        const house = await setUp()
        const { rig } = house
        await prepare(house)
        const user = house.cloud.auth().currentUser!
        const medium = house.platform.medium(name)
        medium.faultAt(step, kind)
        const acted = act(house).then(
          () => 'done',
          (error: { code?: string }) => error.code ?? String(error),
        )
        const outcome = await Promise.race([acted, medium.stopped.then(() => 'died')])
        await settle()
        medium.clearFault()
        if (outcome !== 'died' && house.cloud.auth().currentUser) {
          const isSame = house.cloud.auth().currentUser!.openid === user.openid
          expect(isSame, `${where}: ${outcome}`).toBe(outcome !== 'done')
        }
        // a switch that was refused leaves the one before at work
        if (outcome !== 'died' && outcome !== 'done') {
          const own = user.isAnonymous ? ['n1', 'n2'] : ['a1', 'a2']
          expect(await idsOf(house.cloud), `${where}: ${outcome}`).toEqual(own)
        }

        await house.restart()
        const auth = house.cloud.auth()
        const users = await auth.users()
        expect(
          users.filter(({ isActive }) => isActive),
          where,
        ).toHaveLength(1)
        const isThere = auth.currentUser!.openid !== user.openid
        if (outcome !== 'died') expect(isThere, `${where}: ${outcome}`).toBe(outcome === 'done')
        if (isThere) switched++
        else stayed++
        // whoever is here has all there was, under their own name, in the end
        for (const uid of ['anna', undefined]) {
          const found = users.find(each => each.uid === uid)
          if (!found) continue
          const mine = uid === undefined ? 'n' : 'a'
          if (found.isSealed) await auth.signInWithCustomTicket(house.ticketFor('anna'))
          else await auth.switchTo(found.id)
          await rig.pass(60_000)
          await house.cloud.whenSynced()
          const ids = await idsOf(house.cloud)
          const isGiven = gives && uid === 'anna'
          expect(
            ids.every(id => isGiven || id.startsWith(mine)),
            `${where}: ${ids}`,
          ).toBe(true)
        }
        await rig.pass(60_000)
        const owners = new Map(rig.server.all('todos').map(({ _id, _openid }) => [_id, String(_openid)]))
        const isLost = isThere && loses !== undefined
        for (const id of ['n1', 'n2', ...(prepare === both ? ['a1', 'a2'] : [])]) {
          const mayBeLost = isLost && id === (loses === 'anna' ? 'a2' : 'n2')
          if (!mayBeLost) expect(owners.has(id), `${where}: ${id} is on the server`).toBe(true)
          if (!owners.has(id)) continue
          const isAnonymous = owners.get(id) === 'user-1'
          expect(isAnonymous, `${where}: ${id} is ${owners.get(id)}'s`).toBe(
            id.startsWith('n') && !(gives && isThere),
          )
        }
        expect(rig.server.violations, where).toEqual([])
        const executed = rig.server.executed.map(({ mutation }) => mutation.nonce)
        expect(new Set(executed).size, where).toBe(executed.length)
        const leftovers = [...house.platform.media].filter(
          ([medium, { records }]) => /\.u[0-9a-f]{12}/.test(medium) && records.size > 0,
        )
        expect(leftovers.length, `${where}: ${leftovers.map(([each]) => each)}`).toBeLessThanOrEqual(
          2 * users.filter(({ id }) => id !== 'u0').length,
        )
      }
    expect(stayed).toBeGreaterThan(0)
    expect(switched).toBeGreaterThan(0)
  })
