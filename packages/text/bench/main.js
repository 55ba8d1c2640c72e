// What an update costs: the gate, a keystroke accepted, an edit refused; beside a plain Y.applyUpdate in the same run.
//
//   node packages/text/bench/main.js [--rounds 9] [--json]      (after `pnpm build`)
//
// Texts are typed by five people in runs. Times are medians, in CPU microseconds or milliseconds. With --json the last line
// is {"ratios": …, "absolute": …}; a ratio says how many times the plain call's time ours is.

import { parseArgs } from 'node:util'
import { isRefusal, openTextDoc, TextField, vetUpdate } from '@nearcloud/text'
import * as Y from 'yjs'

const { values } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    rounds: { type: 'string', default: '9' },
    json: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log('pnpm bench:text [--rounds 9] [--json]')
  process.exit(0)
}
const rounds = Number(values.rounds)
const options = { clock: { now: () => 0 }, serverId: 1, limits: { idsPerDay: 1_000_000, ids: 1_000_000 } }
const ratios = {}
const absolute = {}

for (const kilobytes of [10, 100]) measureAt(kilobytes)
if (values.json) console.log(JSON.stringify({ ratios, absolute }))

function measureAt(kilobytes) {
  const state = typed(kilobytes * 1_000)
  console.log(`\n${kilobytes} kB of text, ${state.length} bytes of state, ${process.version}\n`)
  const keystrokes = keystrokesOn(state, 2_000)
  const known = openTextDoc({ updates: [state, ...keystrokes], clientId: 0 })
  const gate = {
    clocks: client => Y.getState(known.store, client),
    isBound: () => true,
    roots: new Set(['text']),
  }
  // the gate reads all of an update, whether it is known or not
  const gateUs = each(
    keystrokes,
    () => 0,
    update => vetUpdate(update, gate),
    10,
  )
  show(`${kilobytes} kB: gate, µs per keystroke`, gateUs)

  const plainUs = each(
    keystrokes,
    () => openTextDoc({ updates: [state], clientId: 0 }),
    (update, doc) => Y.applyUpdate(doc, update),
  )
  const acceptUs = each(
    keystrokes,
    () => TextField.open(state, options),
    (update, field) => {
      if (isRefusal(field.apply(update, 'ann'))) throw new Error('refused')
      field.keep()
    },
  )
  show(`${kilobytes} kB: plain Y.applyUpdate, µs per keystroke`, plainUs)
  show(`${kilobytes} kB: keystroke accepted, µs`, acceptUs, plainUs)
  const readUs = each(
    keystrokes.slice(0, 200),
    () => TextField.open(state, options),
    (update, field) => {
      field.apply(update, 'ann')
      field.keep()
      return field.plain.length
    },
  )
  show(`${kilobytes} kB: keystroke accepted and the text read, µs`, readUs)

  const refuseMs = median(
    Array.from({ length: rounds }, (_, round) => {
      const field = TextField.open(state, options)
      const update = keystrokesOn(state, 1, round + 50)[0]
      return cpuMs(() => {
        const mark = field.mark()
        field.apply(update, 'ann')
        field.compensate(mark)
        field.keep()
      })
    }),
  )
  const loadMs = median(
    Array.from({ length: rounds }, () => cpuMs(() => openTextDoc({ updates: [state], clientId: 0 }))),
  )
  show(`${kilobytes} kB: plain load, ms`, loadMs)
  show(`${kilobytes} kB: edit refused, ms`, refuseMs, loadMs)
  const text = TextField.open(state, options).plain
  const middle = text.length >> 1
  const replaced = `${text.slice(0, middle)}changed${text.slice(middle + 5)}`
  const replaceMs = median(
    Array.from({ length: rounds }, () => {
      const field = TextField.open(state, options)
      return cpuMs(() => field.replaceAll(replaced))
    }),
  )
  show(`${kilobytes} kB: whole value written, ms`, replaceMs)
}

/** Median over rounds of the mean of one. */
function each(updates, prepare, run, times = 1) {
  const means = []
  for (let round = -3; round < rounds; round++) {
    const prepared = prepare()
    const ms = cpuMs(() => {
      for (let time = 0; time < times; time++) for (const update of updates) run(update, prepared)
    })
    if (round >= 0) means.push((ms * 1_000) / (updates.length * times))
  }
  return median(means)
}

/** A text by five people, each in runs of about 20 characters at places of their choice. */
function typed(length) {
  const dice = random(7)
  const docs = [11, 12, 13, 14, 15].map(clientId => openTextDoc({ clientId }))
  for (const doc of docs)
    doc.on('update', (update, origin) => {
      if (origin === 'heard') return
      for (const other of docs) if (other !== doc) Y.applyUpdate(other, update, 'heard')
    })
  for (let written = 0; written < length; ) {
    const text = docs[dice(5)].getText('text')
    let at = dice(text.length + 1)
    for (let run = 5 + dice(30); run > 0; run--, written++) text.insert(at++, 'abcdefgh '[dice(9)])
  }
  return Y.encodeStateAsUpdate(docs[0])
}

/** Keystrokes of one person, in runs, one update each. */
function keystrokesOn(state, count, clientId = 21) {
  const dice = random(clientId)
  const doc = openTextDoc({ updates: [state], clientId })
  const updates = []
  doc.on('update', update => updates.push(update))
  const text = doc.getText('text')
  let at = 0
  while (updates.length < count) {
    if (dice(20) === 0) at = dice(text.length)
    text.insert(at++, 'k')
  }
  return updates
}

function random(seed) {
  let state = seed * 2_654_435_761
  return below => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) >>> 0
    return (state >>> 8) % below
  }
}

function cpuMs(work) {
  const start = process.cpuUsage()
  work()
  const { user, system } = process.cpuUsage(start)
  return (user + system) / 1_000
}

function median(list) {
  return [...list].sort((a, b) => a - b)[list.length >> 1]
}

function show(name, value, beside) {
  absolute[name] = value
  let words = value.toPrecision(3).padStart(8)
  if (beside !== undefined) {
    ratios[name] = value / beside
    words += `   ${(value / beside).toFixed(2)}× plain`
  }
  console.log(`${name.padEnd(56)} ${words}`)
}
