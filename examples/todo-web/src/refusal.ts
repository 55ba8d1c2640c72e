import { discard, type Item, type Refusal } from './cloud.ts'
import { h, icon } from './dom.ts'
import { text } from './i18n.ts'
import { displayName } from './person.ts'

/** What the server refused and why, beside what it was about (`item`, when it is still there), until it is dismissed. */
export function createRefusal(refusal: Refusal, item?: Item): HTMLElement {
  return h(
    'div',
    { class: 'refusal', role: 'alert', 'data-testid': 'rejection', 'data-code': refusal.code },
    icon('alert'),
    h(
      'p',
      { title: refusal.reason },
      h('span', { class: 'why' }, reasonOf(refusal, item)),
      h('span', { class: 'attempt' }, attemptOf(refusal)),
      h('code', {}, refusal.reason),
    ),
    h('button', { type: 'button', 'data-testid': 'dismiss', click: () => discard(refusal) }, text.dismiss),
  )
}

function reasonOf(refusal: Refusal, item: Item | undefined): string {
  if (!item) return text.refusedGone
  if (refusal.code === 'DATABASE_PERMISSION_DENIED' && item.locked)
    return text.refusedLocked(displayName(item.by))
  return text.refused
}

function attemptOf(refusal: Refusal): string {
  if (refusal.removed) return text.attemptedRemove
  return refusal.title === undefined ? '' : text.attempted(refusal.title)
}
