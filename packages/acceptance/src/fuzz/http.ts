import { connect } from 'node:net'
import { createDice, type Dice } from '../scenario/dice.ts'
import { hostileRequest, type Known, operationsOf } from './http-requests.ts'
import { rssOf } from './memory.ts'
import { startServerProcess } from './server-process.ts'

export interface HttpFuzzReport {
  readonly requests: number
  /** How many answers of each status. */
  readonly statuses: Readonly<Record<string, number>>
  /** Requests that were answered by a defect (500), or with what nobody but its owner may see; a few of them. */
  readonly bad: readonly string[]
  readonly isAlive: boolean
  readonly rssGrowthMb: number
  readonly probes: number
  readonly probeP99Ms: number
  readonly seconds: number
}

const secret = 'sesame-opens-nothing'

/** Hostile requests against a server process of its own, while a healthy client asks and is answered. */
export async function fuzzHttp(options: {
  readonly project: string
  readonly data: string
  readonly count: number
  readonly seed: number
}): Promise<HttpFuzzReport> {
  const server = await startServerProcess(options.project, options.data)
  try {
    const dice = createDice(options.seed)
    const { owner, ...known } = await whoStorms(server.url)
    const total = { requests: 0, statuses: {} as Record<string, number>, bad: [] as string[] }
    const storm = async (count: number) => {
      const { requests, statuses, bad } = await sendRequests({ url: server.url, known, dice, count })
      total.requests += requests
      for (const [status, times] of Object.entries(statuses))
        total.statuses[status] = (total.statuses[status] ?? 0) + times
      total.bad.push(...bad)
    }
    await storm(Math.min(2_000, options.count / 10)) // what is loaded at first is no growth
    const before = rssOf(server.pid)
    const began = performance.now()
    const took: number[] = []
    let isOver = false
    const probing = (async () => {
      while (!isOver) {
        const start = performance.now()
        const answer = await ask(server.url, '/collections/todos/documents/x', owner)
        if (answer.status !== 200) throw new Error(`a healthy client was answered by ${answer.status}`)
        await answer.text()
        took.push(performance.now() - start)
        await new Promise(resolve => setTimeout(resolve, 20))
      }
    })()
    await storm(options.count).finally(() => {
      isOver = true
    })
    await probing
    took.sort((a, b) => a - b)
    return {
      ...total,
      isAlive: server.isAlive(),
      rssGrowthMb: Math.round((rssOf(server.pid) - before) / 1024),
      probes: took.length,
      probeP99Ms: Math.round(took[Math.floor(took.length * 0.99)] ?? 0),
      seconds: Math.round((performance.now() - began) / 100) / 10,
    }
  } finally {
    await server.stop()
  }
}

/** Those who storm, and who owns what they may not be told. */
export async function whoStorms(url: string): Promise<Known & { readonly owner: string }> {
  const signIn = async () => {
    const answer = await ask(url, '/auth/anonymous', '', {})
    return ((await answer.json()) as { accessToken: string }).accessToken
  }
  const owner = await signIn()
  await ask(url, '/collections/todos/documents', owner, { data: { _id: 'x', text: secret, n: 1 } })
  return {
    owner,
    operations: operationsOf((await (await fetch(`${url}/cloud/v1/openapi.json`)).json()) as never),
    tokens: [await signIn(), await signIn(), await signIn()],
  }
}

function ask(url: string, path: string, token: string, body?: object): Promise<Response> {
  return fetch(`${url}/cloud/v1${path}`, {
    ...(body && { method: 'POST', body: JSON.stringify(body) }),
    headers: { ...(token && { authorization: `Bearer ${token}` }), 'content-type': 'application/json' },
  })
}

/** Sends at least `count` hostile requests over many connections, and looks at what is answered. */
export async function sendRequests(options: {
  readonly url: string
  readonly known: Known
  readonly dice: Dice
  readonly count: number
}): Promise<Pick<HttpFuzzReport, 'requests' | 'statuses' | 'bad'>> {
  const { url, known, dice, count } = options
  const statuses: Record<string, number> = {}
  const bad: string[] = []
  let requests = 0
  const send = async () => {
    while (requests < count) {
      const asked = Array.from({ length: 1 + dice.below(6) }, () => hostileRequest(dice, known))
      requests += asked.length
      const said = await converse(url, asked, dice)
      for (const [, status] of said.matchAll(/HTTP\/1\.1 (\d{3}) /g))
        statuses[status!] = (statuses[status!] ?? 0) + 1
      if ((said.includes('HTTP/1.1 500 ') || said.includes(secret)) && bad.length < 10)
        bad.push(
          `${asked.map(each => each.toString('latin1').slice(0, 600)).join('\n----\n')}\n=====\n${said.slice(0, 600)}`,
        )
    }
  }
  await Promise.all(Array.from({ length: senders }, send))
  return { requests, statuses, bad }
}

/** Says it all over one connection, some of it in two pieces; what was answered by the end of it. */
function converse(url: string, asked: readonly Buffer[], dice: Dice): Promise<string> {
  const { hostname, port } = new URL(url)
  return new Promise(resolve => {
    let said = ''
    const socket = connect(Number(port), hostname)
    // what is left open without a word would wait for the server's own limits
    const timer = setTimeout(() => socket.destroy(), silentMs)
    socket.setEncoding('latin1')
    socket.on('data', chunk => {
      said += chunk
      timer.refresh()
    })
    socket.on('error', () => {})
    socket.on('close', () => {
      clearTimeout(timer)
      resolve(said)
    })
    for (const bytes of asked) {
      const at = dice.below(8) === 0 ? dice.below(bytes.length) : bytes.length
      socket.write(bytes.subarray(0, at))
      if (at < bytes.length) socket.write(bytes.subarray(at))
    }
    if (dice.below(10) === 0) socket.resetAndDestroy()
    else socket.end()
  })
}

const senders = 16
const silentMs = 500
