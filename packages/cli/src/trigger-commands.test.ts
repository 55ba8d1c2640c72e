import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { run, started } from './testing/run-command.ts'

const files = {
  'cloudfunctions/report/config.json': JSON.stringify({
    triggers: [{ name: 'nightly', type: 'timer', config: '0 0 2 * * *', timeZone: 'UTC' }],
  }),
  'cloudfunctions/report/index.js': 'exports.main = () => 1',
  'cloudfunctions/mail/config.json': JSON.stringify({
    envVariables: { LETTERS: 'no' },
    triggers: [{ name: 'onMail', type: 'queue', config: { queue: 'mails' } }],
  }),
  'cloudfunctions/mail/index.js': `
const cloud = require('wx-server-sdk')
cloud.init()
exports.main = async event => {
  if (process.env.LETTERS === 'no') throw new Error('the letter box is full')
  await cloud.openapi.subscribeMessage.send({ touser: event.data.to })
}`,
  'cloudfunctions/send/index.js': `
const cloud = require('wx-server-sdk')
cloud.init()
exports.main = event => cloud.queue('mails').send(event)`,
}

function projectFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nearcloud-triggers-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text)
  }
  return folder
}

test('[TRIGGER-10] triggers shows timers and dead letters, brings them again and forgets them; outbox shows what was not sent', async () => {
  const folder = projectFolder()
  await started(folder, 'start')
  const command = async (...argv: string[]) => {
    const ran = run(folder, ...argv)
    const code = await ran.over
    return { code, out: ran.out(), err: ran.err() }
  }
  expect((await command('outbox')).out).toBe('The outbox is empty.')
  for (const to of ['anna', 'ben']) await command('call', 'send', '--data', JSON.stringify({ to }))
  const listed = async () => (await command('triggers')).out
  await expect.poll(listed, { timeout: 30_000, interval: 200 }).toMatch(/mail\/onMail.*\n.*mail\/onMail/)
  const lines = (await listed()).split('\n')
  expect(lines[0]).toMatch(/^report\/nightly {2}0 0 2 \* \* \* {2}\d{4}-\d\d-\d\dT02:00:00\.000Z$/)
  expect(lines[1]).toContain('5 tries: ')
  expect(lines[1]).toContain('the letter box is full')
  expect((await command('triggers', '--events')).out).toContain('"queue":"mails"')
  const [first, second] = lines.slice(1).map(line => line.split('  ')[0]!)
  expect(await command('triggers', '--replay', first!)).toEqual({
    code: 1,
    out: '',
    err: `${first}  failed again`,
  })
  const config = join(folder, 'cloudfunctions/mail/config.json')
  writeFileSync(config, files['cloudfunctions/mail/config.json'].replace('"no"', '"yes"'))
  // changed files count once they are still
  await expect
    .poll(() => command('triggers', '--replay', first!), { timeout: 30_000, interval: 100 })
    .toEqual({ code: 0, out: `${first}  taken`, err: '' })
  expect((await command('triggers', '--discard', second!)).out).toBe('1 dead letters are forgotten.')
  expect((await listed()).split('\n')[1]).toBe('No dead letters.')
  expect((await command('outbox', '--clear')).out).toMatch(
    /mail {2}subscribeMessage\.send {2}\{"touser":"(anna|ben)"\}$/,
  )
  expect((await command('outbox')).out).toBe('The outbox is empty.')
})

test('what cannot be meant is one sentence', async () => {
  const folder = projectFolder()
  for (const [argv, words] of [
    [['triggers'], 'no server has kept its data in'],
    [['outbox'], 'no server has kept its data in'],
    [['triggers', 'report'], 'it is "nearcloud triggers", with options only.'],
    [['triggers', '--again', 'all'], 'triggers has no option --again'],
    [['outbox', '--empty'], 'outbox has no option --empty'],
  ] as const) {
    const ran = run(folder, ...argv)
    expect(await ran.over).toBe(1)
    expect(ran.err()).toContain(words)
  }
  await started(folder, 'start')
  const missing = run(folder, 'triggers', '--replay', 'mail/onMail/none')
  expect(await missing.over).toBe(1)
  expect(missing.err()).toContain('there is no dead letter mail/onMail/none')
})
