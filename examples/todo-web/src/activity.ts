import type { Activity } from './cloud.ts'
import { h } from './dom.ts'
import { clockTime, text } from './i18n.ts'
import { displayName, hueOf } from './person.ts'

/** What the trigger function has written about the list, newest first. */
export function createActivity() {
  const lines = h('ol', { class: 'lines', 'data-testid': 'activity' })
  const empty = h('p', { class: 'hint' }, text.activityEmpty)
  const element = h(
    'section',
    { class: 'card activity' },
    h('div', { class: 'head' }, h('h2', {}, text.activityTitle)),
    lines,
    empty,
  )

  function show(all: readonly Activity[]): void {
    empty.hidden = all.length > 0
    lines.replaceChildren(...all.map(lineOf))
  }

  return { element, show }
}

function lineOf(activity: Activity): HTMLElement {
  const sentence = text.activity[activity.kind]
  const line = h(
    'li',
    { 'data-kind': activity.kind },
    h('span', {}, sentence ? sentence(displayName(activity.by), activity.title) : activity.title),
    h('time', { datetime: activity.at.toISOString() }, clockTime(activity.at.getTime())),
  )
  line.style.setProperty('--hue', String(hueOf(activity.by)))
  return line
}
