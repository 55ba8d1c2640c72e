// Matching, updating and aggregating against mingo and sift, on the same documents in one run; and what the code weighs.
//
//   node packages/query/bench/main.js [--documents 100000] [--rounds 15] [--json]      (after `pnpm build`)
//
// Times are medians in milliseconds for all documents. A ratio says how many times faster we are. With --json the last
// line is {"ratios": …, "absolute": …}; sizes are bytes, minified and gzipped, without @nearcloud/protocol.

import { parseArgs } from 'node:util'
import { aggregatingCase } from './aggregating.js'
import { bundleSizes } from './bundle-size.js'
import { documentsOf } from './documents.js'
import { matchingCases } from './matching.js'
import { compare, measure, median } from './measure.js'
import { updatingCase } from './updating.js'

const { values: options } = parseArgs({
  options: {
    help: { type: 'boolean', default: false },
    documents: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '15' },
    json: { type: 'boolean', default: false },
  },
})
if (options.help) {
  console.log('pnpm bench:query [--documents 100000] [--rounds 15] [--json]')
  process.exit(0)
}
const documents = documentsOf(Number(options.documents))
const cases = [
  ...matchingCases(documents),
  updatingCase(documents.slice(0, documents.length / 5)),
  aggregatingCase(documents),
]

const ratios = {}
const absolute = {}
const shown = ms => (ms >= 10 ? ms.toFixed(0) : ms.toFixed(2))
console.log(`\n${documents.length} documents, ${process.version}, ms (times faster than)\n`)
for (const each of cases) {
  try {
    await compare(each)
    report(each, await measure(each, Number(options.rounds)))
  } catch (error) {
    console.log(`${each.name.padEnd(30)} failed: ${error.message}`)
    process.exitCode = 1
  }
}

function report({ name, size }, { ours, ...peers }) {
  const ms = median(ours)
  const perSecond = (size / ms) * 1_000
  absolute[`${name}: ms`] = ms
  absolute[`${name}: documents per second`] = perSecond
  const compared = Object.entries(peers).map(([peer, theirs]) => {
    const ratio = median(theirs.map((each, round) => each / ours[round]))
    ratios[`${name}: ${peer}`] = ratio
    return `${peer} ${shown(median(theirs))} (${ratio.toPrecision(2)}×)`
  })
  const rate = `${(perSecond / 1e6).toPrecision(3)} M/s`
  console.log(`${name.padEnd(30)} ${shown(ms).padStart(6)} ${rate.padStart(10)}   ${compared.join('   ')}`)
}

console.log('\nbytes, minified and gzipped, without @nearcloud/protocol\n')
for (const [name, bytes] of Object.entries(await bundleSizes())) {
  absolute[`${name}: bytes`] = bytes
  console.log(`${name.padEnd(30)} ${String(bytes).padStart(6)}`)
}
if (options.json) console.log(JSON.stringify({ ratios, absolute }))
