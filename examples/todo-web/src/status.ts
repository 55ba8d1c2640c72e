import { type Status, switchNetwork } from './cloud.ts'
import { h, say, set } from './dom.ts'
import { clockTime, text } from './i18n.ts'

/** The switch that takes this window off the network. */
export function createNetworkSwitch() {
  const word = h('span', { class: 'word' })
  const element = h(
    'button',
    {
      type: 'button',
      role: 'switch',
      class: 'switch',
      'aria-label': text.network,
      'data-testid': 'network-switch',
      click: () => switchNetwork(element.getAttribute('aria-checked') === 'false'),
    },
    word,
    h('span', { class: 'track' }, h('span', { class: 'thumb' })),
  )

  function show(status: Status): void {
    set(element, 'aria-checked', String(status.state !== 'offline'))
    set(element, 'data-state', status.state)
    say(word, text[status.state])
  }

  return { element, show }
}

/** One line that says how this window and the server stand. */
export function createStatusLine() {
  let lastSync: number | undefined

  const words = h('span', { class: 'words' })
  const details = h('span', { class: 'details' })
  const rejected = h('span', { class: 'rejected', 'data-testid': 'rejected-count' })
  const element = h(
    'p',
    { class: 'status', role: 'status', 'data-testid': 'status' },
    h('span', { class: 'dot' }),
    words,
    details,
    rejected,
  )

  function show(status: Status, refused: number): void {
    const { waiting } = status
    if (status.state === 'online' && waiting === 0) lastSync = Date.now()
    set(element, 'data-state', status.state)
    set(element, 'data-pending-count', waiting)
    set(element, 'data-rejected-count', refused)
    say(words, wordsFor(status.state, waiting))
    say(details, detailsFor(status.state, lastSync))
    say(rejected, refused === 0 ? '' : text.rejectedCount(refused))
    rejected.hidden = refused === 0
  }

  return { element, show }
}

function wordsFor(state: Status['state'], waiting: number): string {
  if (waiting > 0) return state === 'online' ? text.sending(waiting) : text.waiting(waiting)
  return state === 'online' ? text.saved : text[state]
}

function detailsFor(state: Status['state'], lastSync: number | undefined): string {
  if (state === 'offline') return text.offlineSaved
  if (state === 'connecting') return text.unreachable
  return lastSync === undefined ? text.neverSynced : text.lastSync(clockTime(lastSync))
}
