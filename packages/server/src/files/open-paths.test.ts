import { CloudError } from '@nearcloud/protocol'
import { expect, test } from 'vitest'
import { MemoryEngine } from '../testing/memory-engine.ts'
import { OpenPaths } from './open-paths.ts'

test.each([
  ['/images/public/*', 'images/public/a.png', true],
  ['images/public/*', 'images/public/a.png', true],
  ['/images/public/*', 'images/public/deep/a.png', false],
  ['/images/public/**', 'images/public/deep/a.png', true],
  ['/images/public/*', 'images/private/a.png', false],
  ['/images/public/*', 'images/public', false],
  ['/*/a.png', 'images/a.png', true],
  ['/*/*.png', 'images/a.jpg', false],
  ['/a.png', 'a.png', true],
  ['/a.png', 'aXpng', false],
  ['/(a|b)+$', 'a', false],
] as const)('[FILE-25] %s opens %s: %s', async (open, path, isOpen) => {
  const paths = await OpenPaths.open({ engine: new MemoryEngine(), env: 'test' })
  await paths.add([open])
  expect(paths.has(path)).toBe(isOpen)
})

test('[FILE-25] what is opened is so after a restart, until it is closed', async () => {
  const place = { engine: new MemoryEngine(), env: 'test' }
  await (await OpenPaths.open(place)).add(['/a/*', '/b'])
  const paths = await OpenPaths.open(place)
  expect(paths.list).toEqual(['a/*', 'b'])
  await paths.remove(['/a/*', '/c'])
  expect((await OpenPaths.open(place)).list).toEqual(['b'])
})

test('[FILE-25] what is no path, and too many, are refused, and a hostile one costs little', async () => {
  const paths = await OpenPaths.open({ engine: new MemoryEngine(), env: 'test' })
  for (const wrong of ['', '/', 7, null, 'x'.repeat(300), '*a'.repeat(20), '/a***'])
    await expect(paths.add([wrong])).rejects.toBeInstanceOf(CloudError)
  expect(paths.list).toEqual([])
  await paths.add(['**a**a**a**b'])
  expect(paths.has('a'.repeat(1_000))).toBe(false)
  await expect(paths.add(Array.from({ length: 101 }, (_, n) => `p${n}`))).rejects.toBeInstanceOf(CloudError)
})
