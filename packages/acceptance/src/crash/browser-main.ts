import { parseArgs } from 'node:util'
import { seededRandom } from '@nearcloud/store/testing'
import { killBrowsers } from './browser-kills.ts'

const help = `pnpm crash:browser [options]: real kills of Chromium while a page writes
  --kills 50
  --seed 1           the moments`
const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '50' },
    seed: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(help)
  process.exit(0)
}
const bytes = seededRandom(Number(values.seed))
const began = performance.now()
const report = await killBrowsers(
  Number(values.kills),
  () => bytes(1)[0]! / 256,
  words => console.error(words),
)
const seconds = Math.round((performance.now() - began) / 100) / 10
console.log(JSON.stringify({ seed: Number(values.seed), seconds, ...report }))
process.exit(report.violations.length === 0 ? 0 : 1)
