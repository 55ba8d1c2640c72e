import { addPhoto, newId, type Photo, type Status, status } from './cloud.ts'
import { arrange, h, icon, say } from './dom.ts'
import { text } from './i18n.ts'
import { me } from './person.ts'
import { createPhotoTile } from './photo-tile.ts'

/** Photos of everyone; one added here is shown at once, one of another window as soon as the server has it. */
export function createPhotos() {
  const tiles = new Map<string, ReturnType<typeof createPhotoTile>>()
  /** Being handed to the upload queue: shown, but no document yet. */
  const starting = new Map<string, Photo>()
  let known: readonly Photo[] = []

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

  function show(photos: readonly Photo[], now: Status): void {
    known = photos
    for (const photo of photos) starting.delete(photo._id)
    const all = [...photos, ...starting.values()]
    const ids = new Set(all.map(photo => photo._id))
    for (const [id, tile] of tiles) {
      if (ids.has(id)) continue
      tile.close()
      tiles.delete(id)
    }
    for (const photo of all) tileOf(photo._id).show(photo, now)
    arrange(
      grid,
      all.map(photo => tileOf(photo._id).element),
    )
    grid.hidden = all.length === 0
    empty.hidden = all.length > 0
  }

  function tileOf(id: string): ReturnType<typeof createPhotoTile> {
    let tile = tiles.get(id)
    if (!tile) {
      tile = createPhotoTile(id)
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
    show(known, status())
    try {
      await addPhoto(photo, file)
    } catch (error) {
      starting.delete(photo._id)
      failure.hidden = false
      say(failure, `${text.photoFailed} ${error instanceof Error ? error.message : ''}`)
      show(known, status())
    }
  }

  /** The network is back: what was missing may be there now. */
  function retry(): void {
    for (const tile of tiles.values()) tile.retry()
  }

  return { element, show, retry }
}
