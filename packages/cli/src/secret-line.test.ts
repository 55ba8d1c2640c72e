import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { readSecret } from './secret-line.ts'

function terminal() {
  const told: string[] = []
  const raw: boolean[] = []
  const source = Object.assign(new PassThrough(), {
    isTTY: true as const,
    setRawMode: (isRaw: boolean) => raw.push(isRaw),
  })
  return { source, told, raw, ask: (text: string) => told.push(text) }
}

test('[OPERATOR-4] what is typed is read without an echo, corrections and all, and the terminal is as before', async () => {
  const { source, told, raw, ask } = terminal()
  const line = readSecret(source, 'Password: ', ask)
  for (const text of ['cor', 'x\u007f', 'rect 😀', '\b', 'é', '\r']) source.write(text)
  expect(await line).toBe('correct é')
  expect(told).toEqual(['Password: ', '\n'])
  expect(raw).toEqual([true, false])
  const again = readSecret(source, 'Once more: ', ask)
  source.write('two\u0004')
  expect(await again).toBe('two')
})

test('Ctrl-C ends it, and the terminal is as before', async () => {
  const { source, raw, ask } = terminal()
  const line = readSecret(source, 'Password: ', ask)
  source.write('abc\u0003')
  await expect(line).rejects.toThrow('interrupted')
  expect(raw).toEqual([true, false])
})

test('[OPERATOR-4] from a pipe it is the next line, and nothing is asked', async () => {
  const source = new PassThrough()
  const asked: string[] = []
  source.end('first\nsec')
  const read = () => readSecret(source, 'Password: ', text => asked.push(text))
  expect([await read(), await read(), await read()]).toEqual(['first', 'sec', ''])
  expect(asked).toEqual([])
})
