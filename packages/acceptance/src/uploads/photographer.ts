import { createCloud } from '@nearcloud/node'
import { photoOf } from './photo.ts'

/** What the process is started with, as JSON. */
export interface PhotographerOptions {
  readonly endpoint: string
  readonly folder: string
  readonly seed: number
  readonly photos: number
}

/**
 * Takes photos with a network that is never there when it does, and a document that names each; goes on where an earlier life
 * was killed, and ends when the server has all of it.
 */
const { endpoint, folder, seed, photos } = JSON.parse(process.argv[2]!) as PhotographerOptions
const cloud = createCloud({ folder })
cloud.on('rejected', event => fail(`rejected: ${event.reason}`))
cloud.on('uploadRejected', event => fail(`upload rejected: ${event.reason}`))
cloud.init({ endpoint, subscribe: { photos: true } })
cloud.goOffline()
await cloud.ready()
const collection = cloud.database().collection('photos')
for (let n = 0; n < photos; n++) {
  const { data } = await collection.where({ _id: `photo-${seed}-${n}` }).get()
  if (data.length > 0) continue
  const cloudPath = `photos/${seed}-${n}.png`
  const { fileID } = await cloud.uploadFile({ cloudPath, fileContent: photoOf(seed, n) })
  await collection.add({ data: { _id: `photo-${seed}-${n}`, n, fileID } })
}
process.stdout.write('taken\n')
const hurry = setInterval(() => cloud.goOnline(), 100)
cloud.goOnline()
await cloud.whenSynced()
clearInterval(hurry)
await cloud.close()

function fail(words: string): void {
  process.stderr.write(`${words}\n`)
  process.exit(3)
}
