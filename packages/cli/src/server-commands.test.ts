import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { projectFolder } from './testing/project-folder.ts'
import { run, started } from './testing/run-command.ts'

test('[OPS-8] status says how the server is, in words or as JSON, and 3 where none runs', async () => {
  const folder = projectFolder()
  const without = run(folder, 'status')
  expect(await without.over).toBe(3)
  expect(without.out()).toBe(`No server runs on ${folder}/.nearcloud.`)
  expect(await run(folder, 'status', '--json').over).toBe(3)

  const server = await started(folder, 'start')
  const words = run(folder, 'status')
  expect(await words.over).toBe(0)
  expect(words.out()).toMatch(
    /^It runs, and is well\.\n +server +http:\/\/127\.0\.0\.1:\d+ \(process \d+\)\n +env +default\n/,
  )
  const json = run(folder, 'status', '--json')
  expect(await json.over).toBe(0)
  expect(JSON.parse(json.out())).toMatchObject({ env: 'default', connections: 0, version: 0, waiting: 0 })
  await server.stop()
})

test('[OPS-9] stop ends the server of the folder, waits for its end, and does nothing where none runs', async () => {
  const folder = projectFolder()
  const main = resolve(import.meta.dirname, '../dist/main.js')
  const child = spawn(process.execPath, [main, 'start', '--project', folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  onTestFinished(() => void child.kill('SIGKILL'))
  const ended = once(child, 'exit')
  await once(child.stdout, 'data')
  const status = run(folder, 'status')
  expect(await status.over).toBe(0)
  expect(status.out()).toContain(`(process ${child.pid})`)
  const stop = run(folder, 'stop')
  expect(await stop.over).toBe(0)
  expect(stop.out()).toBe(`Stopping process ${child.pid} …\nStopped. Everything is in the data folder.`)
  expect(await ended).toEqual([0, null])
  const again = run(folder, 'stop')
  expect(await again.over).toBe(0)
  expect(again.out()).toBe(`No server runs on ${folder}/.nearcloud.`)
})

test.each([
  [['stop', '--wait', 'x'], /--wait is a number of seconds, not "x"/],
  [['status', '--jason'], /status has no option --jason/],
  [['doctor', '--port', '99999'], /--port is a number from 1 to 65535, not "99999"/],
  [['token'], /it is "nearcloud token metrics" or "nearcloud token ticket UID"/],
  [['token', 'ticket'], /it is "nearcloud token metrics"/],
  [['token', 'metrics', '--days', '-1'], /--days/],
  [['token', 'metrics'], /no server has kept its data in/],
  [['init', 'a', 'b'], /it is "nearcloud init FOLDER"/],
])('%j is refused in one sentence', async (argv, sentence) => {
  const command = run(projectFolder(), ...argv)
  expect(await command.over).toBe(1)
  expect(command.out()).toBe('')
  expect(command.err()).toMatch(/^nearcloud: [^\n]+$/)
  expect(command.err()).toMatch(sentence)
})

test.each(['init', 'status', 'stop', 'doctor', 'token', 'backup', 'restore'])(
  '%s --help says what it takes',
  async name => {
    const command = run('/', name, '--help')
    expect(await command.over).toBe(0)
    expect(command.out()).toContain(`nearcloud ${name}`)
  },
)

test('[OPS-10] init makes a project that runs at once, and overwrites nothing', async () => {
  const folder = projectFolder({ 'app/rules.json': '{}' })
  const command = run(folder, 'init', 'app')
  expect(await command.over).toBe(0)
  expect(command.out()).toContain(
    'made  app/nearcloud.json\nkept  app/rules.json\nmade  app/cloudfunctions/hello/index.js',
  )
  const again = run(`${folder}/app`, 'init')
  expect(await again.over).toBe(0)
  expect(again.out()).not.toContain('made')
  expect((await import('node:fs')).readFileSync(`${folder}/app/rules.json`, 'utf8')).toBe('{}')

  const fresh = projectFolder()
  await run(fresh, 'init').over
  const server = await started(fresh, 'dev')
  expect(server.err()).toBe('')
  const call = run(fresh, 'call', 'hello')
  expect(await call.over).toBe(0)
  expect(JSON.parse(call.out())).toEqual({ hello: 'world', todos: 0 })
})

test('[OPS-11] token makes one that reads metrics, and a ticket that signs in, with a server or without one', async () => {
  const folder = projectFolder()
  const server = await started(folder, 'start')
  const url = /http:\/\/127\.0\.0\.1:\d+/.exec(server.out())![0]
  const metrics = run(folder, 'token', 'metrics', '--days', '2')
  expect(await metrics.over).toBe(0)
  const read = await fetch(`${url}/metrics`, { headers: { authorization: `Bearer ${metrics.out()}` } })
  expect(read.status).toBe(200)
  const running = run(folder, 'token', 'ticket', 'anna')
  expect(await running.over).toBe(0)
  expect(running.out().split('.')).toHaveLength(3)
  await server.stop()
  const alone = run(folder, 'token', 'ticket', 'anna')
  expect(await alone.over).toBe(0)
  expect(alone.out().split('.')).toHaveLength(3)
  const bad = run(folder, 'token', 'ticket', 'x'.repeat(500))
  expect(await bad.over).toBe(1)
  expect(bad.err()).toMatch(/^nearcloud: [^\n]+\.$/)
})

test('[OPS-13] doctor says how each thing is; 1 when one of them has to be mended', async () => {
  const folder = projectFolder({ 'rules.json': '{}' })
  const well = run(folder, 'doctor')
  expect(await well.over).toBe(0)
  expect(well.out()).toMatch(/^ok {3}node +Node 2\d/)
  expect(well.out()).toContain('\n\nAll is well.')
  const broken = projectFolder({ 'rules.json': '{' })
  const ill = run(broken, 'doctor')
  expect(await ill.over).toBe(1)
  expect(ill.out()).toMatch(/\nBAD {2}rules +.*rules\.json/)
  expect(ill.out()).toContain('\n\nOne thing has to be mended.')
  const json = run(broken, 'doctor', '--json')
  expect(await json.over).toBe(1)
  expect(JSON.parse(json.out())).toContainEqual(expect.objectContaining({ level: 'bad', about: 'rules' }))
})

test('[RESTORE-9] restore --at says what it undid, and what is no moment is a sentence', async () => {
  const folder = projectFolder({ 'one.json': '{"_id":"a"}', 'two.json': '{"_id":"b"}' })
  const server = await started(folder, 'start')
  await run(folder, 'import', 'todos', 'one.json').over
  const moment = new Date().toISOString()
  while (new Date().toISOString() === moment) await new Promise(setImmediate)
  await run(folder, 'import', 'todos', 'two.json').over
  await run(folder, 'backup', '.nearcloud', 'copy').over
  await server.stop()
  for (const [argv, sentence] of [
    [['--at', 'noon'], '--at is 30s, 10m, 2h, 1d or a date, not "noon".'],
    [['--env', 'x'], '--env goes with --at.'],
  ] as const) {
    const refused = run(folder, 'restore', 'copy', 'new', ...argv)
    expect(await refused.over).toBe(1)
    expect(refused.err()).toBe(`nearcloud: ${sentence}`)
  }
  const restore = run(folder, 'restore', 'copy', '.nearcloud', '--replace', '--at', moment)
  expect(await restore.over).toBe(0)
  expect(restore.out()).toContain('Undone: 1 commits, by which 1 documents were changed.')
  await run(folder, 'export', 'todos', 'out.json').over
  expect((await import('node:fs')).readFileSync(`${folder}/out.json`, 'utf8')).toBe('{"_id":"a"}\n')
})
