import { afterAll, beforeAll, expect, test } from 'vitest'
import { endOf, RestoreWorld } from './restore-world.ts'

const world = new RestoreWorld()
beforeAll(() => world.open(900))
afterAll(() => world.close())

test.each(['undone 30 %', 'Restored'])(
  '[RESTORE-15] a restore to a moment that is killed at "%s" is whole, or opens no server until it was done once more',
  async words => {
    const target = world.newTarget()
    const child = world.restore(target)
    child.stdout!.on('data', (chunk: Buffer) => {
      if (chunk.toString().includes(words)) child.kill('SIGKILL')
    })
    const { said } = await endOf(child)
    expect(said).toContain(words)
    expect(await world.judge(target)).toBeUndefined()
  },
  30_000,
)
