import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { protocolVersion } from '@nearcloud/protocol'
import { RawClient, replayTranscript, type TranscriptStep } from '@nearcloud/server/testing'
import { expect, onTestFinished, test } from 'vitest'
import { WebSocket } from 'ws'
import { openTo, startServer } from './scenario/server.ts'

const root = resolve(import.meta.dirname, '../../..')
const page = readFileSync(resolve(root, 'docs/protocol.md'), 'utf8')
const shapes = JSON.parse(
  readFileSync(resolve(root, `packages/protocol/src/shapes/version-${protocolVersion}.json`), 'utf8'),
) as Record<'up' | 'down', { either: Record<string, unknown>[] }>

test.each(['up', 'down'] as const)(
  '[NEGOTIATE-9] docs/protocol.md has every message %s with every field of it',
  way => {
    const [from, to] = way === 'up' ? ['## 5.', '## 6.'] : ['## 6.', '## 7.']
    const chapter = page.slice(page.indexOf(`\n${from}`), page.indexOf(`\n${to}`))
    const sections = new Map(
      chapter
        .split('\n### ')
        .slice(1)
        .map(section => [section.split('\n', 1)[0]!.trim(), section] as const),
    )
    const types = shapes[way].either.map(shape => (shape.type as { exactly: string }).exactly)
    expect([...sections.keys()].sort()).toEqual([...types].sort())
    for (const shape of shapes[way].either) {
      const type = (shape.type as { exactly: string }).exactly
      for (const [field, is] of Object.entries(shape)) {
        if (field === 'type') continue
        const mark = new RegExp(`^\\|[^|]*\`${field}\`(\\?)?`, 'm').exec(sections.get(type)!)
        expect(mark, `${type}.${field}`).not.toBeNull()
        const isOptional = typeof is === 'object' && is !== null && 'optional' in is
        expect(mark![1] === '?', `${type}.${field} may be absent`).toBe(isOptional)
      }
    }
  },
)

test('[NEGOTIATE-9] the conversation in docs/protocol.md is had with a real server, word for word', async () => {
  const server = await startServer({ rules: openTo('todos') })
  const text = /```transcript\n([\s\S]*?)```/.exec(page)![1]!
  const steps = text
    .trim()
    .split('\n')
    .map((line): TranscriptStep => {
      const rest = line.slice(2)
      if (line.startsWith('↻ ')) return { open: rest }
      return line.startsWith('→ ') ? { up: JSON.parse(rest) } : { down: JSON.parse(rest) }
    })
  const heard = await replayTranscript(steps, async () => {
    const socket = new WebSocket(`${server.url.replace('http', 'ws')}/sync`)
    onTestFinished(() => socket.terminate())
    const client = new RawClient()
    client.attach({ send: frame => socket.send(frame), close: () => socket.close() })
    socket.on('message', data => client.received(data.toString()))
    socket.on('close', () => client.closed())
    await new Promise(done => socket.once('open', done))
    return client
  })
  expect(heard.length).toBeGreaterThan(15)
})
