import { createActivity } from './activity.ts'
import {
  type Activity,
  cloud,
  follow,
  type Item,
  onCloudEvent,
  onFailure,
  openCloud,
  type Photo,
  refusals,
  status,
} from './cloud.ts'
import { createCounter } from './counter.ts'
import { h, icon, say } from './dom.ts'
import { text } from './i18n.ts'
import { createList } from './list.ts'
import { displayName, hueOf, initialOf, me } from './person.ts'
import { createPhotos } from './photo.ts'
import { createNetworkSwitch, createStatusLine } from './status.ts'
import { createSummary } from './summary.ts'

const app = document.querySelector('#app')!
document.documentElement.lang = text.locale
document.title = `${text.title} · ${displayName(me)}`
document.documentElement.style.setProperty('--hue', String(hueOf(me)))
Object.assign(window, { cloud })
keepPage()
void start()

async function start(): Promise<void> {
  try {
    await openCloud()
  } catch (error) {
    app.replaceChildren(messageFor(error))
    return
  }
  showList()
}

/** Everything shown is what the local store says; an event of the cloud or a new snapshot shows it again. */
function showList(): void {
  let items: readonly Item[] = []
  let photos: readonly Photo[] = []
  let activity: readonly Activity[] = []
  let count: number | undefined

  const network = createNetworkSwitch()
  const statusLine = createStatusLine()
  const list = createList()
  const counter = createCounter()
  const photoGrid = createPhotos()
  const summary = createSummary()
  const lately = createActivity()
  const notice = h('p', { class: 'notice', role: 'alert', hidden: true })

  app.replaceChildren(
    h(
      'div',
      { class: 'page' },
      topBar(network.element),
      statusLine.element,
      notice,
      h(
        'main',
        { class: 'columns' },
        list.element,
        h('aside', { class: 'side' }, counter.element, photoGrid.element, summary.element, lately.element),
      ),
    ),
  )

  const show = () => {
    const now = status()
    const refused = refusals()
    network.show(now)
    statusLine.show(now, refused.length)
    list.show(items, refused)
    counter.show(count)
    photoGrid.show(photos, now)
    lately.show(activity)
  }
  const announce = (words: string) => {
    notice.hidden = false
    say(notice, words)
  }

  if (cloud.status().volatile) announce(text.volatile)
  onFailure(announce)
  onCloudEvent(() => {
    show()
    photoGrid.retry()
  })
  follow({
    items: documents => {
      items = documents
      show()
    },
    counters: documents => {
      count = documents[0]?.count
      show()
    },
    photos: documents => {
      photos = documents
      show()
    },
    activity: documents => {
      activity = documents
      show()
    },
  })
  show()
}

function topBar(network: HTMLElement): HTMLElement {
  return h(
    'header',
    { class: 'top' },
    h('div', { class: 'brand' }, icon('cloud'), h('span', {}, 'nearcloud')),
    h(
      'div',
      { class: 'you' },
      h('span', { class: 'avatar' }, initialOf(me)),
      h('span', {}, text.you(displayName(me))),
    ),
    network,
  )
}

function messageFor(error: unknown): HTMLElement {
  return h(
    'main',
    { class: 'message', role: 'alert' },
    icon('alert'),
    h('h1', {}, text.brokenTitle),
    h('p', {}, error instanceof Error ? error.message : String(error)),
  )
}

/** The page itself opens without a server, too. */
function keepPage(): void {
  if ('serviceWorker' in navigator)
    void navigator.serviceWorker.register('/service-worker.js').catch(() => undefined)
}
