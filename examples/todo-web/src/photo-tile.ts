import { pendingBadge } from './badge.ts'
import { isPending, type Photo, photoAddress, type Status } from './cloud.ts'
import { h, say, set } from './dom.ts'
import { text } from './i18n.ts'
import { displayName } from './person.ts'

/** One photo: shown as soon as there is an address for it, local or the server's. */
export function createPhotoTile(id: string) {
  let fileID = ''
  let localAddress: string | undefined
  let timer: number | undefined
  let delayMs = firstRetryMs
  let closed = false

  const image = h('img', { alt: '', hidden: true, load: loaded, error: missing })
  const waiting = h('span', { class: 'waiting' })
  const badge = pendingBadge()
  const element = h(
    'li',
    { class: 'photo', 'data-testid': 'photo', 'data-id': id, 'data-state': 'coming' },
    image,
    waiting,
    badge,
  )

  function show(photo: Photo, { state, uploads }: Status): void {
    const isOnlyHere = photo.fileID === '' || (image.src.startsWith('blob:') && uploads > 0)
    const pending = isOnlyHere || isPending('photos', id)
    set(element, 'data-pending', String(pending))
    badge.hidden = !pending
    say(waiting, state === 'online' ? text.photoComing(displayName(photo.by)) : text.photoAway)
    set(image, 'alt', text.photoBy(displayName(photo.by)))
    if (photo.fileID === fileID) return
    fileID = photo.fileID
    if (localAddress === undefined) void find()
  }

  function showFile(file: File): void {
    localAddress = URL.createObjectURL(file)
    image.src = localAddress
  }

  /** Asks for the address until the server has the file whole: it may still be on its way from another window. */
  async function find(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    const address = await photoAddress(fileID)
    if (closed) return
    if (address !== undefined) image.src = address
    else missing()
  }

  function loaded(): void {
    delayMs = firstRetryMs
    image.hidden = false
    waiting.hidden = true
    set(element, 'data-state', 'shown')
  }

  function missing(): void {
    if (closed || localAddress !== undefined) return
    timer = setTimeout(find, delayMs)
    delayMs = Math.min(delayMs * 2, lastRetryMs)
  }

  function retry(): void {
    if (timer === undefined) return
    delayMs = firstRetryMs
    void find()
  }

  function close(): void {
    closed = true
    clearTimeout(timer)
    if (localAddress !== undefined) URL.revokeObjectURL(localAddress)
  }

  return { element, show, showFile, retry, close }
}

const firstRetryMs = 500
const lastRetryMs = 15_000
