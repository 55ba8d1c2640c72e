import { pendingBadge } from './badge.ts'
import { type Item, items, type Refusal, write } from './cloud.ts'
import { h, icon, say, set } from './dom.ts'
import { text } from './i18n.ts'
import { displayName, hueOf, initialOf, me } from './person.ts'
import { createRefusal } from './refusal.ts'

export interface ItemState {
  readonly pending: boolean
  readonly refusals: readonly Refusal[]
}

/** One line of the list: tick it, edit its title in place, lock it, delete it. */
export function createItem(id: Item['_id']) {
  let shown: Item | undefined

  const tick = h('input', { type: 'checkbox', class: 'tick', 'data-testid': 'item-done', change: saveDone })
  const title = h('textarea', {
    class: 'title',
    rows: 1,
    maxlength: 200,
    enterkeyhint: 'done',
    'data-testid': 'item-title',
    input: fit,
    focus: () => title.select(),
    blur: saveTitle,
    keydown: event => onKey(event as KeyboardEvent),
  })
  const badge = pendingBadge('item-pending')
  const author = h('span', { class: 'avatar small' })
  const lock = h('button', { type: 'button', class: 'quiet', 'data-testid': 'item-lock', click: toggleLock })
  const bin = h(
    'button',
    { type: 'button', class: 'quiet', 'data-testid': 'item-delete', click: remove },
    icon('bin'),
  )
  const refusals = h('div', { class: 'refusals' })
  const element = h(
    'li',
    { class: 'item', 'data-testid': 'item', 'data-id': id },
    h('div', { class: 'line' }, tick, title, badge, bin, lock, author),
    refusals,
  )
  new ResizeObserver(fit).observe(title)

  function show(item: Item, state: ItemState): void {
    const before = shown
    shown = item
    const editing = document.activeElement === title && title.value !== before?.title
    if (!editing && title.value !== item.title) {
      title.value = item.title
      fit()
    }
    tick.checked = item.done
    set(element, 'data-done', item.done)
    set(element, 'data-pending', String(state.pending))
    set(element, 'data-rejected', String(state.refusals.length > 0))
    badge.hidden = !state.pending
    showAuthor(item)
    showLock(item)
    set(tick, 'aria-label', text.done(item.title))
    set(title, 'aria-label', `${text.titleLabel}: ${item.title}`)
    set(bin, 'aria-label', text.remove(item.title))
    set(bin, 'title', text.remove(item.title))
    refusals.replaceChildren(...state.refusals.map(refusal => createRefusal(refusal, item)))
  }

  function showAuthor(item: Item): void {
    element.style.setProperty('--hue', String(hueOf(item.by)))
    say(author, initialOf(item.by))
    set(author, 'title', text.addedBy(displayName(item.by)))
  }

  function showLock(item: Item): void {
    const mine = item.by === me
    const words = item.locked
      ? mine
        ? text.unlock(item.title)
        : text.lockedBy(displayName(item.by))
      : text.lock(item.title)
    set(lock, 'data-idle', !mine && !item.locked)
    lock.disabled = !mine
    set(element, 'data-locked', String(item.locked))
    set(lock, 'aria-label', words)
    set(lock, 'title', words)
    if (lock.dataset.locked !== String(item.locked)) {
      lock.dataset.locked = String(item.locked)
      lock.replaceChildren(icon(item.locked ? 'lock' : 'unlock'))
    }
  }

  function onKey(event: KeyboardEvent): void {
    if (event.isComposing) return
    if (event.key === 'Escape') title.value = shown?.title ?? ''
    if (event.key !== 'Enter' && event.key !== 'Escape') return
    event.preventDefault()
    title.blur()
  }

  function saveTitle(): void {
    const asked = title.value.replace(/\s+/g, ' ').trim()
    title.value = shown?.title ?? asked
    if (shown && asked !== '' && asked !== shown.title) change({ title: asked })
    fit()
  }

  function saveDone(): void {
    change({ done: tick.checked })
  }

  function toggleLock(): void {
    if (shown) change({ locked: !shown.locked })
  }

  function change(data: Partial<Pick<Item, 'title' | 'done' | 'locked'>>): void {
    write(
      items()
        .doc(id)
        .update({ data: { ...data, editedBy: me } }),
    )
  }

  function remove(): void {
    write(items().doc(id).remove())
  }

  /** As high as its text. */
  function fit(): void {
    title.style.height = 'auto'
    title.style.height = `${title.scrollHeight}px`
  }

  return { element, show }
}
