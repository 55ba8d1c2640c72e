import { addPhoto, isPending, newId, type Photo, photoAddress } from './cloud.ts'
import { arrange, h, icon, say, set } from './dom.ts'
import { text } from './i18n.ts'
import { displayName, me } from './person.ts'

/** Photos of everyone; one added here is shown at once, one of another window as soon as the server has it. */
export function createPhotos() {
  const tiles = new Map<string, ReturnType<typeof createTile>>()
  /** Being handed to the upload queue: shown, but no document yet. */
  const starting = new Map<string, Photo>()
  let known: readonly Photo[] = []
  let uploading = false

  const failure = h('p', { class: 'hint', role: 'alert', hidden: true })
  const empty = h('p', { class: 'hint' }, text.photosEmpty)
  const grid = h('ul', { class: 'photos', 'aria-label': text.photosTitle })
  const input = h('input', {
    type: 'file',
    accept: 'image/*',
    multiple: true,
    class: 'visually-hidden',
    'data-testid': 'photo-input',
    change: addChosen,
  })
  const element = h(
    'section',
    { class: 'card' },
    h(
      'div',
      { class: 'head' },
      h('h2', {}, text.photosTitle),
      h('label', { class: 'secondary file' }, input, icon('photo'), text.photoAdd),
    ),
    failure,
    grid,
    empty,
  )

  function show(photos: readonly Photo[], isUploading: boolean): void {
    known = photos
    uploading = isUploading
    for (const photo of photos) starting.delete(photo._id)
    const all = [...photos, ...starting.values()]
    const ids = new Set(all.map(photo => photo._id))
    for (const [id, tile] of tiles) {
      if (ids.has(id)) continue
      tile.close()
      tiles.delete(id)
    }
    for (const photo of all) tileOf(photo._id).show(photo, uploading)
    arrange(
      grid,
      all.map(photo => tileOf(photo._id).element),
    )
    grid.hidden = all.length === 0
    empty.hidden = all.length > 0
  }

  function tileOf(id: string): ReturnType<typeof createTile> {
    let tile = tiles.get(id)
    if (!tile) {
      tile = createTile(id)
      tiles.set(id, tile)
    }
    return tile
  }

  function addChosen(): void {
    const files = [...(input.files ?? [])]
    input.value = ''
    failure.hidden = true
    for (const file of files) void addFile(file)
  }

  async function addFile(file: File): Promise<void> {
    const photo = { _id: newId(), fileID: '', by: me, createdAt: new Date() }
    starting.set(photo._id, photo)
    tileOf(photo._id).showFile(file)
    show(known, uploading)
    try {
      await addPhoto(photo, file)
    } catch (error) {
      starting.delete(photo._id)
      failure.hidden = false
      say(failure, `${text.photoFailed} ${error instanceof Error ? error.message : ''}`)
      show(known, uploading)
    }
  }

  /** The network is back: what was missing may be there now. */
  function retry(): void {
    for (const tile of tiles.values()) tile.retry()
  }

  return { element, show, retry }
}

function createTile(id: string) {
  let fileID = ''
  let by = me
  let localAddress: string | undefined
  let timer: number | undefined
  let delayMs = firstRetryMs
  let closed = false

  const image = h('img', { alt: '', hidden: true, load: loaded, error: missing })
  const waiting = h('span', { class: 'waiting' })
  const badge = h('span', { class: 'badge', title: text.pendingHint }, icon('clock'), text.pending)
  const element = h(
    'li',
    { class: 'photo', 'data-testid': 'photo', 'data-id': id, 'data-state': 'coming' },
    image,
    waiting,
    badge,
  )

  function show(photo: Photo, uploading: boolean): void {
    by = photo.by
    const isHere = photo.fileID === '' || (localAddress !== undefined && uploading)
    const pending = isHere || isPending('photos', id)
    set(element, 'data-pending', String(pending))
    badge.hidden = !pending
    say(waiting, text.photoComing(displayName(by)))
    set(image, 'alt', text.photoBy(displayName(by)))
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
