import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { createServer } from '../create-server.ts'

async function opened() {
  const root = mkdtempSync(join(tmpdir(), 'nearcloud-rxdb-'))
  onTestFinished(() => rmSync(root, { recursive: true, force: true }))
  const rulesFile = join(root, 'rules.json')
  writeFileSync(rulesFile, JSON.stringify({ database: { todos: { read: true, write: true } } }))
  const server = await createServer({
    dataFolder: join(root, 'data'),
    project: root,
    door: { origins: ['https://app.example'], waitingPerAddress: 2 },
  })
  onTestFinished(() => server.stop())
  async function post(path: string, body: object) {
    const answer = await fetch(`${server.url}${path}`, { method: 'POST', body: JSON.stringify(body) })
    return (await answer.json()) as Record<string, string>
  }
  const signIn = async () => (await post('/auth/v1/signin/anonymously', {})).access_token!
  const ticketFor = async (name: string) => {
    const ticket = await server.users.createTicket(name)
    return (await post('/auth/v1/signin/custom', { ticket })).access_token!
  }

  async function connect(path: string, headers: Record<string, string> = {}) {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}${path}`, { headers })
    onTestFinished(() => socket.terminate())
    const closed = new Promise<number>(resolve => socket.once('close', resolve))
    await new Promise<void>((resolve, reject) => {
      socket.once('open', resolve)
      socket.once('error', reject)
    })
    const ask = (method: string, ...params: unknown[]) => {
      const answer = new Promise<{ result: unknown }>(resolve =>
        socket.once('message', data => resolve(JSON.parse(String(data)))),
      )
      socket.send(JSON.stringify({ id: 'q', collection: 'c', method, params }))
      return answer
    }
    return { socket, closed, ask }
  }
  return { server, signIn, ticketFor, connect, rulesFile }
}

test('[RXDB-7] pages of other origins, strangers in a crowd and frames that are too large stay outside; the others go on', async () => {
  const { signIn, connect } = await opened()
  const token = await signIn()
  const path = `/rxdb/todos?token=${token}`
  await expect(connect(path, { origin: 'https://evil.example' })).rejects.toThrow('403')
  const own = await connect(path, { origin: 'https://app.example' })
  expect(await own.ask('masterChangesSince', null, 10)).toMatchObject({ result: { documents: [] } })
  const strangers = [await connect('/rxdb/todos'), await connect('/rxdb/todos')]
  await expect(connect('/rxdb/todos')).rejects.toThrow('503')
  for (const each of strangers) each.socket.terminate()
  await Promise.all(strangers.map(each => each.closed))
  const large = await connect(path)
  large.socket.send('x'.repeat(8_388_609))
  expect(await large.closed).toBe(1009)
  const binary = await connect(path)
  binary.socket.send(Buffer.from('{}'))
  expect(await binary.closed).toBe(4400)
  expect(await own.ask('missing', ['a'])).toMatchObject({ result: ['a'] })
})

test('[RXDB-7] other rules send a replica away to come back, the end of its user’s sessions for good, and the server says when it stops', async () => {
  const { server, signIn, ticketFor, connect, rulesFile } = await opened()
  const ready = async (token: string) => {
    const one = await connect(`/rxdb/todos?token=${token}`)
    await one.ask('missing', [])
    return one
  }
  const anna = await ready(await ticketFor('anna'))
  await server.users.endSessions('anna')
  expect(await anna.closed).toBe(4401)
  const token = await signIn()
  const first = await ready(token)
  writeFileSync(rulesFile, JSON.stringify({ database: { todos: { read: true, write: false } } }))
  expect(await first.closed).toBe(1012)
  const second = await ready(token)
  await server.stop()
  expect(await second.closed).toBe(1001)
})
