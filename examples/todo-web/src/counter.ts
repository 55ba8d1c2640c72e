import { pendingBadge } from './badge.ts'
import { command, counters, isPending, write } from './cloud.ts'
import { h, icon, say, set } from './dom.ts'
import { text } from './i18n.ts'

/** A number that every window raises; what was raised apart adds up. */
export function createCounter() {
  let exists = false

  const value = h('output', { class: 'number', 'data-testid': 'counter', 'aria-live': 'polite' })
  const unit = h('span', { class: 'unit' })
  const badge = pendingBadge()
  const element = h(
    'section',
    { class: 'card counter' },
    h('div', { class: 'head' }, h('h2', {}, text.counterTitle), badge),
    h(
      'div',
      { class: 'figure' },
      value,
      unit,
      h(
        'button',
        {
          type: 'button',
          class: 'round',
          'aria-label': text.counterPlus,
          title: text.counterPlus,
          'data-testid': 'counter-plus',
          click: raise,
        },
        icon('plus'),
      ),
    ),
  )

  /** `count` is undefined while no window has raised it. */
  function show(count: number | undefined): void {
    exists = count !== undefined
    const pending = isPending('counters', 'coffee')
    say(value, String(count ?? 0))
    say(unit, text.counterUnit(count ?? 0))
    badge.hidden = !pending
    set(element, 'data-pending', String(pending))
  }

  /**
   * The first to raise it makes it. When two windows do so apart the second one's `add` is refused, which is right
   * (cloud.ts lets it go), and its `inc` still counts.
   */
  function raise(): void {
    if (!exists) write(counters().add({ data: { _id: 'coffee', count: 0 } }))
    exists = true
    write(
      counters()
        .doc('coffee')
        .update({ data: { count: command().inc(1) } }),
    )
  }

  return { element, show }
}
