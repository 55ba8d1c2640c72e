import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { startProject } from './testing/start-project.ts'

/** A debugger, as far as it takes to stop at a line. */
async function attach(address: string) {
  const socket = new WebSocket(address)
  await new Promise((resolve, reject) => socket.once('open', resolve).once('error', reject))
  onTestFinished(() => socket.close())
  const events: { method: string; params: { [key: string]: unknown } }[] = []
  const answers = new Map<number, (result: unknown) => void>()
  socket.on('message', data => {
    const message = JSON.parse(data.toString())
    if (message.id === undefined) events.push(message)
    else answers.get(message.id)?.(message.result)
  })
  let asked = 0
  const ask = (method: string, params: object = {}) =>
    new Promise<{ [key: string]: unknown }>(resolve => {
      const id = ++asked
      answers.set(id, resolve as (result: unknown) => void)
      socket.send(JSON.stringify({ id, method, params }))
    })
  const event = async (method: string) => {
    await expect.poll(() => events.some(each => each.method === method), { timeout: 10_000 }).toBe(true)
    return events.find(each => each.method === method)!.params
  }
  return { ask, event }
}

test.each([
  ['js', 'exports.main = async event => {\n  const doubled = event.n * 2\n  return doubled\n}'],
  [
    'ts',
    'export const main = async (event: { n: number }): Promise<number> => {\n  const doubled: number = event.n * 2\n  return doubled\n}',
  ],
])('[TELL-5] a debugger stops a call at a breakpoint and sees its variables (%s)', async (ending, code) => {
  const { server, lines } = await startProject(
    onTestFinished,
    {
      [`cloudfunctions/doubles/index.${ending}`]: code,
      'cloudfunctions/doubles/config.json':
        '{"timeout":0.5,"triggers":[{"name":"web","type":"http","config":{"path":"/doubles"}}]}',
    },
    { inspect: { function: 'doubles', port: 0 } },
  )
  const told = () => lines.find(({ event }) => event === 'function.inspect')
  await expect.poll(told, { timeout: 10_000 }).toBeDefined()
  const { ask, event } = await attach(told()?.facts?.address as string)
  await ask('Debugger.enable')
  const urlRegex = ending === 'js' ? 'doubles/index\\.js$' : 'doubles/index\\.ts$'
  await ask('Debugger.setBreakpointByUrl', { urlRegex, lineNumber: await lineOf(ask, event) })
  const response = fetch(`${server.url}/doubles`, { method: 'POST' })
  const { callFrames } = (await event('Debugger.paused')) as { callFrames: { callFrameId: string }[] }
  const { callFrameId } = callFrames[0]!
  const seen = await ask('Debugger.evaluateOnCallFrame', { callFrameId, expression: 'typeof doubled' })
  expect(seen).toMatchObject({ result: { value: 'number' } })
  // longer than its time limit: who looks has time
  const expression = 'for (const until = Date.now() + 700; Date.now() < until; );'
  await ask('Debugger.evaluateOnCallFrame', { callFrameId, expression })
  await ask('Debugger.resume')
  expect((await response).status).toBe(200)
})

type Ask = (method: string, params?: object) => Promise<{ [key: string]: unknown }>

/** Where the function returns, in the script that runs: compiled code has other lines than what was written. */
async function lineOf(
  ask: Ask,
  event: (method: string) => Promise<{ [key: string]: unknown }>,
): Promise<number> {
  let source = ''
  await expect
    .poll(
      async () => {
        const { scriptId } = await event('Debugger.scriptParsed')
        for (let id = Number(scriptId); id < Number(scriptId) + 500 && source === ''; id++) {
          const said = await ask('Debugger.getScriptSource', { scriptId: String(id) })
          const text = (said?.scriptSource ?? '') as string
          if (/return doubled/.test(text)) source = text
        }
        return source
      },
      { timeout: 10_000 },
    )
    .not.toBe('')
  return source.split('\n').findIndex(line => line.includes('return doubled'))
}
