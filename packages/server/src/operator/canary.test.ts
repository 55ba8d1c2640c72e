import { expect, onTestFinished, test } from 'vitest'
import { startProject } from '../functions/testing/start-project.ts'
import { connectRaw } from '../testing/connect-raw.ts'
import { clientId } from '../testing/raw-client.ts'
import { mutationOf } from '../testing/scenario.ts'

const canary = 'c4n4ry-7f3a'

test('[OPS-5] no line of the log, at any level, and no metric holds what documents, files, tokens or frames say', async () => {
  const { server, lines } = await startProject(
    onTestFinished,
    {
      'rules.json': JSON.stringify({
        database: {
          todos: { read: true, write: "doc.title.size.more < 3 || doc.kind == 'ok'" },
          mine: { read: 'doc._openid == auth.openid', write: true },
        },
      }),
      'cloudfunctions/fails/index.js':
        'exports.main = async event => { throw new Error(JSON.stringify(event.docs ?? event)) }',
      'cloudfunctions/fails/config.json': JSON.stringify({
        triggers: [{ name: 'seen', type: 'database', config: { collection: 'mine', events: ['add'] } }],
      }),
    },
    { metrics: { port: 0 } },
  )
  await server
    .database()
    .collection('mine')
    .createIndex({ keys: { key: 1 }, name: 'key', unique: true })
  const client = await connectRaw(server)
  const { token } = await client.hello({ client: clientId('a') })
  const add = (collection: string, id: string, data: object) =>
    ({ op: 'add', collection, id, data: data as Record<string, never> }) as const
  client.push(
    mutationOf(1, [add('todos', 'a', { title: canary })]),
    mutationOf(2, [add('mine', canary, { key: canary })]),
    mutationOf(3, [add('mine', `${canary}2`, { key: canary })]),
    mutationOf(4, [add('mine', canary, { [canary]: 1 })]),
    mutationOf(5, [add(`_${canary}`, 'x', {})]),
    mutationOf(6, [
      { op: 'update', collection: 'mine', id: canary, changes: [['key.x', 'inc', canary]] } as never,
    ]),
  )
  await client.next('pushed')
  await expect
    .poll(() => lines.some(({ event }) => event === 'trigger.retry'), { timeout: 20_000 })
    .toBe(true)
  await server.callFunction({ name: 'fails', data: { say: canary } }).catch(() => undefined)
  client.raw(`{"type":"${canary}"}`)
  await client.ended()
  for (const frame of [
    canary,
    `{"type":"hello","${canary}":1}`,
    `{"type":"push","mutations":["${canary}"]}`,
  ]) {
    const other = await connectRaw(server)
    other.raw(frame)
    await other.ended()
  }
  const stranger = await connectRaw(server)
  await stranger.hello({ client: clientId('b'), token: `${token}${canary}` }).catch(() => undefined)
  for (const path of [`/files/${canary}`, `/functions/${canary}`, `/${canary}`])
    await fetch(server.url + path, { method: 'POST', body: canary })
  await fetch(`${server.url}/files/uploads/${canary}`, { method: 'PUT', body: canary })

  const metrics = await (await fetch(`http://127.0.0.1:${server.metricsPort}/metrics`)).text()
  await server.stop()
  expect(new Set(lines.map(({ event }) => event))).toContain('session.cut')
  // what a function says itself is its own log, and who says documents there has them there
  const told = lines.filter(({ event }) => event !== 'function.log').map(line => JSON.stringify(line))
  expect(told.filter(line => line.includes(canary) || line.includes(token))).toEqual([])
  expect(metrics).not.toContain(canary)
  expect(lines.some(({ event, message }) => event === 'function.log' && message.includes(canary))).toBe(true)
})
