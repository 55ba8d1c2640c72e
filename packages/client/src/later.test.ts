import { CloudError } from '@nearcloud/protocol'
import type { ClientExecutor } from '@nearcloud/query'
import { expect, test } from 'vitest'
import { later } from './later.ts'

test('[IDENTITY-16] a subscription of a user who has left is closed without a word', async () => {
  const closed: unknown[] = []
  const executor = {
    follow: () => ({
      ready: Promise.resolve(),
      close() {
        closed.push('asked')
        throw new CloudError('CLOSED', { errMsg: 'the local store is closed' })
      },
    }),
  } as unknown as ClientExecutor
  const unhandled = (reason: unknown) => closed.push(reason)
  process.on('unhandledRejection', unhandled)
  try {
    const following = later(async () => executor).follow(
      { collection: 'todos', where: ['and', []], orderBy: [], skip: 0 },
      {},
    )
    await following.ready
    following.close()
    await new Promise(setImmediate)
    await new Promise(setImmediate)
  } finally {
    process.off('unhandledRejection', unhandled)
  }
  expect(closed).toEqual(['asked'])
})
