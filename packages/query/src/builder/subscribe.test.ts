import { expect, test } from 'vitest'
import { MemoryExecutor } from '../testing/memory-executor.ts'
import type { Following, FollowOptions, Query } from '../types.ts'
import { createDatabase } from './database.ts'

const options = { newId: () => 'id', limits: { default: 20, max: 20 } }

class FollowingExecutor extends MemoryExecutor {
  readonly followed: [Query, FollowOptions | undefined][] = []

  follow(query: Query, options?: FollowOptions): Following {
    this.followed.push([query, options])
    return { ready: Promise.resolve(), close: () => undefined }
  }
}

test('[API-21] subscribe hands the query, with no limit of its own, and the wishes to the executor', async () => {
  const executor = new FollowingExecutor()
  const todos = createDatabase(executor, { ...options, side: 'client' }).collection('todos')
  const onProgress = () => undefined
  await todos.where({ done: false }).subscribe({ priority: 'low', onProgress }).ready
  await todos.orderBy('n', 'asc').limit(3).subscribe().ready
  expect(executor.followed).toEqual([
    [todos.where({ done: false }).toQuery(), { priority: 'low', onProgress }],
    [todos.orderBy('n', 'asc').limit(3).toQuery(), {}],
  ])
  expect(executor.followed[0]![0].limit).toBeUndefined()
})

test('[API-21] subscribe refuses wishes that are none, and a side that has nothing to keep', () => {
  const todos = createDatabase(new FollowingExecutor(), { ...options, side: 'client' }).collection('todos')
  for (const wrong of [{ priority: 'urgent' }, { priority: 1 }, { onProgress: 'loud' }])
    expect(() => todos.subscribe(wrong as FollowOptions)).toThrow(
      expect.objectContaining({
        code: 'INVALID_PARAM',
        errMsg: expect.stringMatching(/^collection\.subscribe:fail/),
      }),
    )
  const there = createDatabase(new MemoryExecutor(), { ...options, side: 'server' }).collection('todos')
  expect(() => there.subscribe()).toThrow(/only a client keeps documents in step/)
})
