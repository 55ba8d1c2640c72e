import { writeSync } from 'node:fs'
import { createCloud } from '@nearcloud/node'
import { clientDeeds } from './client-deeds.ts'

/*
 * A client that nobody answers: `node client-life.js <folder> <deed> <durability>` opens its store, does one deed, and says so
 * when its promise has resolved. Its parent breaks what it writes.
 */

const [, , folder = '', name = '', durability = 'relaxed'] = process.argv
const deed = clientDeeds.find(each => each.name === name)!
const cloud = createCloud({ folder })
cloud.init({
  endpoint: 'http://127.0.0.1:9',
  durability: durability as 'relaxed' | 'strict',
  subscribe: { todos: true, lists: true },
})
await cloud.ready()
await deed.run(cloud)
writeSync(1, 'ACK\n')
await cloud.close()
process.exit(0)
