import { seededRandom } from '@nearcloud/store/testing'
import { commandValues } from '../command.ts'
import { killBrowsers } from './browser-kills.ts'

const values = commandValues({
  name: 'pnpm crash:browser',
  about: 'Real kills of Chromium while a page writes.',
  options: { kills: [50, ''], seed: [1, 'of the moments'] },
})
const bytes = seededRandom(values.seed)
const began = performance.now()
const report = await killBrowsers(
  values.kills,
  () => bytes(1)[0]! / 256,
  words => console.error(words),
)
const seconds = Math.round((performance.now() - began) / 100) / 10
console.log(JSON.stringify({ seed: values.seed, seconds, ...report }))
process.exit(report.violations.length === 0 ? 0 : 1)
