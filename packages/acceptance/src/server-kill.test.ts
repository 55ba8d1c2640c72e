import { createCloud } from '@nearcloud/node'
import { expect, onTestFinished, test } from 'vitest'
import { createDice, type Dice } from './scenario/dice.ts'
import { testFolder, testProject } from './scenario/folder.ts'
import { openTo } from './scenario/server.ts'
import { serverProcess } from './scenario/server-process.ts'
import { until } from './scenario/until.ts'

const kills = 50
const writers = 5
/** Mutations of one writer that wait for their answer. */
const most = 8
const shared = ['shared-0', 'shared-1', 'shared-2']

test('[CRASH-1] a server killed fifty times under five writers keeps every acknowledged mutation, and none twice', {
  timeout: 600_000,
}, async () => {
  const dice = createDice(2026)
  const begun = performance.now()
  const server = serverProcess(testProject(openTo('log')), testFolder('data'))
  const url = await server.start()
  const apps = await Promise.all(Array.from({ length: writers }, (_, n) => openWriter(url, `w${n}`)))
  for (const _id of shared)
    await apps[0]!.cloud
      .database()
      .collection('log')
      .add({ data: { _id, count: 0, list: [] } })
  await Promise.all(apps.map(app => app.cloud.whenSynced()))

  for (const app of apps) app.startWriting(dice)
  const acknowledged = () => apps.reduce((sum, app) => sum + app.acknowledged.size, 0)
  for (let kill = 0; kill < kills; kill++) {
    // in the middle of a rush, and anywhere between what one commit and the next one does
    const enough = acknowledged() + 1 + dice.below(40)
    await until(`acknowledgement ${enough} before kill ${kill}`, () => acknowledged() >= enough, 60_000)
    await new Promise(resolve => setTimeout(resolve, dice.below(30)))
    await server.kill()
    await server.start()
    // as devices do that hear of their network again, instead of waiting out their delays; another first each time
    const first = dice.below(apps.length)
    for (const app of [...apps.slice(first), ...apps.slice(0, first)]) app.cloud.goOnline()
  }
  await Promise.all(apps.map(app => app.stopWriting()))
  await Promise.all(apps.map(app => app.cloud.whenSynced()))

  const written = apps.flatMap(app => [...app.written.values()])
  for (const app of apps) for (const id of app.written.keys()) expect(app.acknowledged).toContain(id)
  expect(apps.flatMap(app => app.rejected)).toEqual([])
  const views = await Promise.all(
    apps.map(app => until('everyone sees the same', () => app.sees(written.length))),
  )
  for (const view of views) expect(view).toEqual(views[0])
  const pushed = views[0]!.flatMap(document => document.list)
  expect(pushed.length).toBe(new Set(pushed).size)
  expect(pushed.sort()).toEqual(written.map(({ token }) => token).sort())
  for (const document of views[0]!)
    expect(document.count).toBe(written.filter(({ id }) => id === document._id).length)
  const seconds = ((performance.now() - begun) / 1_000).toFixed(0)
  console.log(`${written.length} mutations by ${writers} writers over ${kills} kills in ${seconds} s`)
})

interface SharedDocument {
  readonly _id: string
  readonly count: number
  readonly list: readonly string[]
}

/** A client that writes as fast as its writes become durable: each a unique push and an increment, as one mutation. */
async function openWriter(endpoint: string, name: string) {
  const cloud = createCloud({ folder: testFolder(name) })
  onTestFinished(() => cloud.close())
  cloud.init({
    endpoint,
    subscribe: { log: true },
    queryLimits: { default: 1_000, max: 1_000 },
  })
  await cloud.ready()
  const { command: _, collection } = cloud.database()
  const written = new Map<number, { id: string; token: string }>()
  const acknowledged = new Set<number>()
  const rejected: unknown[] = []
  let goOn = () => {}
  const answer = () =>
    new Promise<void>(resolve => {
      goOn = resolve
    })
  cloud.on('accepted', event => {
    acknowledged.add(event.id)
    goOn()
  })
  cloud.on('rejected', event => rejected.push(event))
  let writing = false
  let finished: Promise<void> | undefined
  const stopWriting = () => {
    writing = false
    goOn()
    return finished
  }
  onTestFinished(stopWriting)

  async function write(dice: Dice): Promise<void> {
    for (let n = 0; writing; n++) {
      const id = dice.pick(shared)
      const token = `${name}-${n}`
      const result = await collection('log')
        .doc(id)
        .update({ data: { list: _.push([token]), count: _.inc(1) } })
      written.set((result as unknown as { mutationId: number }).mutationId, { id, token })
      while (writing && cloud.status().pending >= most) await answer()
    }
  }

  return {
    cloud,
    written,
    acknowledged,
    rejected,
    startWriting(dice: Dice) {
      writing = true
      finished = write(dice)
    },
    stopWriting,
    async sees(tokens: number): Promise<SharedDocument[] | undefined> {
      const { data } = await collection('log').orderBy('_id', 'asc').get()
      const documents = data as unknown as SharedDocument[]
      return documents.flatMap(document => document.list).length === tokens ? documents : undefined
    },
  }
}
