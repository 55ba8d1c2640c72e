import { expect, test } from 'vitest'
import { createDatabase } from './index.ts'
import { MemoryExecutor } from './testing/index.ts'

test('the README’s example is true', async () => {
  const db = createDatabase(new MemoryExecutor(), {
    newId: () => 'todo-1',
    limits: { default: 20, max: 20 },
    side: 'client',
  })
  const _ = db.command
  const todos = db.collection('todos')
  await todos.add({ data: { title: 'tea', tags: ['home'], effort: 2 } })
  await todos.where({ tags: 'home' }).update({ data: { effort: _.inc(1), 'due.week': 7 } })
  const { data } = await todos.where({ effort: _.gt(2), title: /^t/ }).get()
  expect(data).toEqual([{ _id: 'todo-1', title: 'tea', tags: ['home'], effort: 3, due: { week: 7 } }])
})
