import { expect, test } from 'vitest'
import { TestRig } from '../testing/rig.ts'

test('a conversation that nobody may share is not joined', async () => {
  const rig = new TestRig()
  const { sync, stop } = await rig.client()
  expect(() => sync.join(() => undefined)).toThrow(
    expect.objectContaining({ code: 'INVALID_PARAM', errMsg: expect.stringContaining('no host') }),
  )
  await stop()
})
