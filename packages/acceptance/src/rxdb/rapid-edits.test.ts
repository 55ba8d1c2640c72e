import { isDeepStrictEqual } from 'node:util'
import { replicateNearcloud } from '@nearcloud/rxdb'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createDice } from '../scenario/dice.ts'
import { openTo, startServer } from '../scenario/server.ts'
import { until } from '../scenario/until.ts'
import { documentsOf, rxCollection, rxUrl, signIn, stockReplica, type Todo } from './rx-app.ts'

/* Apps that write faster than the network answers, each a field of its own: unmodified stock clients and ours, at the same documents. */

for (const owner of [undefined, 'owner'])
  test(`[RXDB-2] what each of four apps wrote last to its own fields is what all have${owner ? ', also where owners are shown' : ''}`, async () => {
    const server = await startServer({ rules: openTo('todos') })
    const dice = createDice(7)
    const ids = Array.from({ length: 6 }, (_, n) => `d${n}`)
    const apps = await Promise.all(
      ['stock0', 'stock1', 'ours0', 'ours1'].map(async name => {
        const { accessToken: token } = await signIn(server)
        const collection = await rxCollection()
        if (name.startsWith('stock'))
          await stockReplica(collection, rxUrl(server, 'todos', { token, ...(owner && { owner }) }))
        else {
          const state = replicateNearcloud<Todo>({
            ...{ collection, WebSocket, url: server.url, remote: 'todos', token: () => token },
            ...(owner && { owner }),
          })
          onTestFinished(async () => {
            await state.cancel()
          })
        }
        return { name, collection, wrote: new Map<string, number>() }
      }),
    )
    const [maker] = apps
    for (const id of ids) {
      await maker!.collection.insert({ _id: id, title: 'x' })
      // at once, before it is known whose it is
      await (await maker!.collection.findOne(id).exec(true)).incrementalPatch({ title: `title of ${id}` })
    }
    for (const { collection } of apps)
      await until('it has all', async () => {
        const documents = Object.values(await documentsOf(collection))
        return documents.length === ids.length && documents.every(each => each.title.startsWith('title of'))
      })
    for (let n = 1; n <= 160; n++) {
      const { name, collection, wrote } = dice.pick(apps)
      const id = dice.pick(ids)
      const document = await collection.findOne(id).exec(true)
      await document.incrementalModify(data => ({ ...data, place: { ...data.place, [name]: n } }))
      wrote.set(id, n)
      if (dice.below(5) === 0) await new Promise(setImmediate)
    }
    const expected = Object.fromEntries(
      ids.map(id => [
        id,
        Object.fromEntries(apps.flatMap(({ name, wrote }) => (wrote.has(id) ? [[name, wrote.get(id)]] : []))),
      ]),
    )
    const places = async (collection: (typeof apps)[number]['collection']) =>
      Object.fromEntries(
        Object.entries(await documentsOf(collection)).map(([id, { place = {} }]) => [id, place]),
      )
    for (const { name, collection } of apps)
      await until(
        `${name} has all`,
        async () => isDeepStrictEqual(await places(collection), expected),
        8_000,
      ).catch(async () => expect(await places(collection), name).toEqual(expected))
  })
