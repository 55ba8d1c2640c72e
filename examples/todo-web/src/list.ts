import { type Item, isPending, items, newId, type Refusal, write } from './cloud.ts'
import { arrange, h, icon, say } from './dom.ts'
import { text } from './i18n.ts'
import { createItem } from './item.ts'
import { anotherPerson, displayName, me } from './person.ts'
import { createRefusal } from './refusal.ts'

/** The shared list and the line to add to it. */
export function createList() {
  const lines = new Map<Item['_id'], ReturnType<typeof createItem>>()

  const input = h('input', {
    type: 'text',
    maxlength: 200,
    autocomplete: 'off',
    enterkeyhint: 'done',
    placeholder: text.newTitle,
    'aria-label': text.newTitle,
    'data-testid': 'new-title',
  })
  const list = h('ul', { class: 'items', 'aria-label': text.title })
  const empty = h('div', { class: 'empty' }, h('strong', {}, text.emptyTitle), h('p', {}, text.emptyBody))
  const orphans = h('div', { class: 'refusals' })
  const bar = h('span', { class: 'bar' }, h('span', {}))
  const progress = h('p', { class: 'progress', 'data-testid': 'progress' })
  const element = h(
    'section',
    { class: 'list' },
    h('header', {}, h('h1', {}, text.title), progress, bar),
    h(
      'form',
      { class: 'add', submit: add },
      input,
      h(
        'button',
        { type: 'submit', class: 'primary', 'data-testid': 'add' },
        icon('plus'),
        h('span', {}, text.add),
      ),
    ),
    orphans,
    list,
    empty,
    invite(),
  )

  function show(all: readonly Item[], refusals: readonly Refusal[]): void {
    const known = new Set(all.map(item => item._id))
    for (const id of lines.keys()) if (!known.has(id)) lines.delete(id)
    for (const item of all) {
      const own = refusals.filter(refusal => refusal.documentId === item._id)
      lineOf(item._id).show(item, { pending: isPending('items', item._id), refusals: own })
    }
    arrange(
      list,
      all.map(item => lineOf(item._id).element),
    )
    const lost = refusals.filter(refusal => refusal.collection !== 'items' || !known.has(refusal.documentId))
    orphans.replaceChildren(...lost.map(refusal => createRefusal(refusal)))
    empty.hidden = all.length > 0
    list.hidden = all.length === 0
    showProgress(all)
  }

  function showProgress(all: readonly Item[]): void {
    const done = all.filter(item => item.done).length
    say(progress, all.length === 0 ? text.progressNone : text.progress(done, all.length))
    bar.style.setProperty('--part', String(all.length === 0 ? 0 : done / all.length))
  }

  function lineOf(id: Item['_id']): ReturnType<typeof createItem> {
    let line = lines.get(id)
    if (!line) {
      line = createItem(id)
      lines.set(id, line)
    }
    return line
  }

  function add(event: Event): void {
    event.preventDefault()
    const title = input.value.replace(/\s+/g, ' ').trim()
    input.value = ''
    input.focus()
    if (title === '') return
    write(
      items().add({
        data: { _id: newId(), title, done: false, locked: false, by: me, createdAt: new Date() },
      }),
    )
  }

  return { element, show }
}

function invite(): HTMLElement {
  const other = anotherPerson()
  return h(
    'p',
    { class: 'invite' },
    h('a', { href: `?window=${other}`, target: '_blank' }, text.invite(displayName(other))),
    ` ${text.inviteHint}`,
  )
}
