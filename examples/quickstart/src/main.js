import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { createCloud } from '@nearcloud/node'
import { createServer } from '@nearcloud/server'

const dataFolder = mkdtempSync(`${tmpdir()}/quickstart-`)
const project = `${import.meta.dirname}/..` // rules.json
const server = await createServer({ dataFolder, project })
const phone = createCloud()
const laptop = createCloud()
for (const cloud of [phone, laptop]) cloud.init({ endpoint: server.url, subscribe: { todos: true } })
const todos = phone.database().collection('todos')
const _ = phone.database().command

await todos.add({ data: { _id: 'tea', title: 'Buy tea', boxes: 1 } })
const { data } = await todos.where({ boxes: _.gt(0) }).get()
console.log('on the phone:', data.map(todo => todo.title).join(', '))

await phone.whenSynced()
await laptop.whenSynced()
const tea = laptop.database().collection('todos').doc('tea')
tea.watch({
  onChange: ({ docs: [doc] }) => console.log(`the laptop sees: ${doc.title}, ${doc.boxes}`),
  onError: console.error,
})

for (const cloud of [phone, laptop]) cloud.goOffline()
await todos.doc('tea').update({ data: { boxes: _.inc(2) } })
await tea.update({ data: { boxes: _.inc(5), title: 'Buy green tea' } })
console.log(`offline, each with ${phone.status().pending} change that waits`)

for (const cloud of [phone, laptop]) {
  cloud.goOnline()
  await cloud.whenSynced()
}
console.log('the server has:', (await server.database().collection('todos').doc('tea').get()).data.boxes)

for (const cloud of [phone, laptop]) await cloud.close()
await server.stop()
rmSync(dataFolder, { recursive: true })
