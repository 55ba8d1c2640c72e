import { createCloud } from '@nearcloud/node'

/** What a healthy client was asked to do, and how long it took. */
export interface HealthyReport {
  readonly probes: number
  readonly p99Ms: number
  readonly slowestMs: number
}

/*
 * A process of its own, so that what it measures is the server and not who storms it: it writes over a socket and reads over HTTP, in
 * turns, until its parent says stop. It ends with an error when it is not served.
 */
const url = process.argv[2]!
const cloud = createCloud()
cloud.init({ endpoint: url })
await cloud.whenSynced()
const todos = cloud.database().collection('todos')
const headers = { 'content-type': 'application/json' }
const signedIn = await fetch(`${url}/cloud/v1/auth/anonymous`, { method: 'POST', headers, body: '{}' })
const { accessToken } = (await signedIn.json()) as { accessToken: string }
const asUser = { headers: { ...headers, authorization: `Bearer ${accessToken}` } }
const collection = `${url}/cloud/v1/collections/todos/documents`
// only its owner may write there, so what is read is what this process wrote
await fetch(collection, { method: 'POST', ...asUser, body: '{"data":{"_id":"own","is":"mine"}}' })

let isOver = false
process.once('message', () => {
  isOver = true
})
process.send!('ready')
const took: number[] = []
for (let n = 0; !isOver; n++) {
  const began = performance.now()
  await todos.doc('probe').set({ data: { n }, wait: 'server' } as never)
  took.push(performance.now() - began)
  const asked = performance.now()
  const answer = await fetch(`${collection}/own`, asUser)
  if (!(await answer.text()).includes('mine')) throw new Error(`not what was written: ${answer.status}`)
  took.push(performance.now() - asked)
  await new Promise(resolve => setTimeout(resolve, 20))
}
took.sort((a, b) => a - b)
const at = (part: number) => Math.round(took[Math.min(took.length - 1, Math.floor(took.length * part))] ?? 0)
const report: HealthyReport = { probes: took.length, p99Ms: at(0.99), slowestMs: at(1) }
await cloud.close()
process.send!(report, () => process.disconnect())
