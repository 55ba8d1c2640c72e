import { h, icon } from './dom.ts'
import { text } from './i18n.ts'

/** The mark of what the server does not have yet. */
export function pendingBadge(testId?: string): HTMLElement {
  return h(
    'span',
    { class: 'badge', title: text.pendingHint, 'data-testid': testId },
    icon('clock'),
    h('span', { class: 'word' }, text.pending),
  )
}
