import cloud from '@nearcloud/browser'
import { me, storeName } from './person.ts'

export { cloud }

// ---- what the page shows -----------------------------------------------------------------------------------------

export interface Item {
  readonly _id: string
  readonly title: string
  readonly done: boolean
  /** Only its creator may change it (rules.json). */
  readonly locked: boolean
  /** The window that added it. */
  readonly by: string
}

export interface Counter {
  readonly count: number
}

export interface Photo {
  readonly _id: string
  readonly fileID: string
  readonly by: string
}

export interface Activity {
  readonly kind: string
  readonly title: string
  readonly by: string
  readonly at: Date
}

/** A change the server refused and the store took back. */
export interface Refusal {
  readonly id: string
  readonly code: string
  readonly reason: string
  readonly collection: string
  readonly documentId: string
  /** The title it would have set. */
  readonly title?: string
  readonly removed: boolean
}

export interface Status {
  /** `offline`: switched off here; `connecting`: there is no connection, and it goes on trying. */
  readonly state: 'offline' | 'connecting' | 'online'
  /** Changes, and files, that the server does not have. */
  readonly waiting: number
  readonly uploads: number
}

export function status(): Status {
  const { state, pending, uploads } = cloud.status()
  return {
    state: isSwitchedOff ? 'offline' : state === 'online' ? 'online' : 'connecting',
    waiting: pending + uploads,
    uploads,
  }
}

/** Takes this window off the network, and lets it on again. */
export function switchNetwork(on: boolean): void {
  isSwitchedOff = !on
  if (on) cloud.goOnline()
  else cloud.goOffline()
  changed()
}

let isSwitchedOff = false

// ---- opening and following -----------------------------------------------------------------------------------------

/** Opens this window's store; it is in step with the server whenever there is a network. */
export async function openCloud(): Promise<void> {
  cloud.init({
    endpoint: location.origin,
    env: 'todo',
    store: storeName(me),
    subscribe: { items: true, counters: true, photos: true, activity: true },
  })
  await cloud.ready()
}

/** Hands over everything in each collection, in order, at once and after every change. */
export function follow(listeners: {
  items(all: readonly Item[]): void
  counters(all: readonly Counter[]): void
  photos(all: readonly Photo[]): void
  activity(latest: readonly Activity[]): void
}): void {
  const db = cloud.database()
  const watch = <T>(query: Pick<ReturnType<typeof items>, 'watch'>, tell: (all: readonly T[]) => void) =>
    query.watch({
      onChange: ({ docs }) => tell(docs as readonly unknown[] as readonly T[]),
      onError: fail,
    })
  watch(items().orderBy('createdAt', 'asc'), listeners.items)
  watch(counters(), listeners.counters)
  watch(photos().orderBy('createdAt', 'asc'), listeners.photos)
  watch(db.collection('activity').orderBy('at', 'desc').limit(6), listeners.activity)
}

let changed: () => void = () => undefined

/** Tells of everything beside the documents that may change what is to be shown. */
export function onCloudEvent(listener: () => void): void {
  changed = listener
  for (const event of events) cloud.on(event, listener)
  cloud.on('rejected', ({ rejection }) => {
    if (isSecondCounter(rejection)) write(cloud.rejections.discard(rejection.id))
  })
  cloud.on('uploadRejected', ({ fileID, reason }) => {
    failed(reason)
    write(photos().where({ fileID }).remove())
  })
}

const events = ['pending', 'accepted', 'rejected', 'online', 'offline', 'uploaded', 'uploadRejected'] as const

// ---- writing -------------------------------------------------------------------------------------------------------

export const items = () => cloud.database().collection('items')
export const counters = () => cloud.database().collection('counters')
const photos = () => cloud.database().collection('photos')
export const command = () => cloud.database().command

/** A write is on the screen and in the store at once; what is left to hear is that the store could not keep it. */
export function write(promise: Promise<unknown>): void {
  promise.catch(fail)
}

let failed: (words: string) => void = () => undefined

export function onFailure(listener: (words: string) => void): void {
  failed = listener
}

function fail(error: unknown): void {
  failed(error instanceof Error ? error.message : String(error))
}

export function newId(): string {
  return Array.from(crypto.getRandomValues(new Uint8Array(16)), byte =>
    byte.toString(16).padStart(2, '0'),
  ).join('')
}

export function isPending(collection: string, id: string): boolean {
  return cloud.isPending(collection, id)
}

/** Puts the file in the upload queue, which outlives the page, and its document in the list. */
export async function addPhoto(photo: Photo & { createdAt: Date }, file: File): Promise<void> {
  const ending = /\.[a-z0-9]{1,5}$/i.exec(file.name)?.[0].toLowerCase() ?? ''
  const { fileID } = await cloud.uploadFile({ cloudPath: `photos/${photo._id}${ending}`, filePath: file })
  await photos().add({ data: { ...photo, fileID } })
}

/** Where the file can be seen; undefined while the server does not have it, or cannot be asked. */
export async function photoAddress(fileID: string): Promise<string | undefined> {
  try {
    const { fileList } = await cloud.getTempFileURL({ fileList: [fileID] })
    return fileList[0]?.tempFileURL || undefined
  } catch {
    return undefined
  }
}

// ---- refused -------------------------------------------------------------------------------------------------------

/** What was refused and not dismissed yet, the oldest first. */
export function refusals(): readonly Refusal[] {
  return cloud.rejections.list
    .filter(rejection => !isSecondCounter(rejection))
    .map(({ id, code, reason, writes }) => {
      const write = writes[0]!
      const title = write.op === 'update' ? write.data?.title : undefined
      return {
        id,
        code,
        reason,
        collection: write.collection,
        documentId: String(write.id),
        removed: write.op === 'remove',
        ...(typeof title === 'string' && { title }),
      }
    })
}

type Rejection = (typeof cloud.rejections.list)[number]

/** Dismisses a refusal. */
export function discard(refusal: Refusal): void {
  write(cloud.rejections.discard(refusal.id).then(changed))
}

/** The second `add` of a counter that two windows made apart: the document is there, which is all that was wanted. */
function isSecondCounter({ code, collection }: Rejection): boolean {
  return code === 'DUPLICATE_ID' && collection === 'counters'
}
