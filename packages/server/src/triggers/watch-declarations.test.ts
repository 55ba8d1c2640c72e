import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { Functions } from '../functions/functions.ts'
import { temporaryFolder } from '../functions/testing/open-fixtures.ts'
import type { LogLine } from '../log-line.ts'
import { admin, openWorld } from '../testing/scenario.ts'
import { sendJob } from './queues/jobs.ts'
import { openTriggers } from './triggers.ts'

function declare(root: string, name: string, triggers: unknown): void {
  mkdirSync(join(root, name), { recursive: true })
  writeFileSync(join(root, name, 'index.js'), '')
  const text = typeof triggers === 'string' ? triggers : JSON.stringify({ triggers })
  writeFileSync(join(root, name, 'config.json'), text)
}

const onOrder = { name: 'order', type: 'database', config: { collection: 'orders' } }
const onMail = { name: 'mail', type: 'queue', config: { queue: 'mails' } }

async function open(root: string) {
  const world = openWorld()
  const lines: LogLine[] = []
  const brought: string[] = []
  const ends: (() => void)[] = []
  const functions: Functions = {
    list: () => [],
    async invoke({ name, data }) {
      const { data: { docId } = { docId: 'mail' } } = data as { data?: { docId?: string } }
      brought.push(`${name}:${docId ?? 'mail'}`)
      if (docId === 'slow') await new Promise<void>(resolve => ends.push(resolve))
      return null
    },
    async close() {},
  }
  const { environment, clock } = world
  const triggers = openTriggers({
    environment,
    functions,
    folder: root,
    log: line => lines.push(line),
    clock,
    random: size => new Uint8Array(size),
  })
  const pass = async (ms: number) => {
    for (let left = ms; left > 0; left -= 1_000) {
      clock.advance(1_000)
      for (let turn = 0; turn < 30; turn++) await new Promise(setImmediate)
    }
  }
  onTestFinished(async () => {
    for (const end of ends) end()
    const closing = triggers.close()
    clock.advance(2_000)
    await closing
  })
  await triggers.ready
  return {
    world,
    triggers,
    lines,
    brought,
    ends,
    pass,
    add: (id: string) =>
      environment.commit({ actor: admin, writes: [{ op: 'add', collection: 'orders', id, data: {} }] }),
  }
}

test('[TRIGGER-8] triggers that are declared while the server runs begin then, and those that go end', async () => {
  const root = temporaryFolder(onTestFinished)
  const opened = await open(root)
  await opened.add('before')
  declare(root, 'follow', [onOrder, onMail])
  await opened.pass(6_000)
  await opened.add('o1')
  await sendJob(opened.world.environment, { queue: 'mails', data: 1, depth: 0 })
  await opened.pass(2_000)
  expect([...opened.brought].sort()).toEqual(['follow:mail', 'follow:o1'])
  declare(root, 'follow', [onMail])
  declare(root, 'report', [{ name: 'nightly', type: 'timer', config: '0 0 2 * * * *' }])
  await opened.pass(6_000)
  await opened.add('o2')
  await opened.pass(2_000)
  expect(opened.brought.length).toBe(2)
  expect(opened.triggers.timers()).toMatchObject([{ function: 'report', name: 'nightly' }])
  declare(root, 'follow', [onOrder])
  rmSync(join(root, 'report'), { recursive: true })
  await opened.pass(6_000)
  // it goes on where it was, as after any stop
  expect(opened.brought.slice(2)).toEqual(['follow:o2'])
  expect(opened.triggers.timers()).toEqual([])
})

test('[TRIGGER-8] one that is declared otherwise begins anew when what it does has ended; one that says the same goes on', async () => {
  const root = temporaryFolder(onTestFinished)
  const opened = await open(root)
  declare(root, 'follow', [onOrder])
  await opened.pass(6_000)
  await opened.add('slow')
  await opened.pass(1_000)
  declare(root, 'other', [])
  await opened.pass(6_000)
  expect(opened.brought).toEqual(['follow:slow'])
  declare(root, 'follow', [{ ...onOrder, config: { collection: 'orders', concurrency: 1 } }])
  await opened.pass(6_000)
  await opened.add('o2')
  await opened.pass(2_000)
  expect(opened.brought).toEqual(['follow:slow'])
  opened.ends[0]!()
  await opened.pass(2_000)
  expect(opened.brought).toEqual(['follow:slow', 'follow:o2'])
})

test('[TRIGGER-8] a broken declaration leaves the triggers as they were, with one line', async () => {
  const root = temporaryFolder(onTestFinished)
  const opened = await open(root)
  declare(root, 'follow', [onOrder])
  await opened.pass(6_000)
  for (const broken of ['{', [{ ...onOrder, config: {} }]]) {
    opened.lines.length = 0
    declare(root, 'follow', broken)
    await opened.pass(10_000)
    expect(opened.lines).toMatchObject([{ level: 'error', event: 'trigger.config' }])
  }
  await opened.add('o1')
  await opened.pass(2_000)
  expect(opened.brought).toEqual(['follow:o1'])
})
