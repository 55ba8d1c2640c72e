import { parseArgs } from 'node:util'
import { modules } from './modules.ts'
import { changedSince, filesOf, mutate } from './mutate.ts'
import { isMissed, type Judged, missedLine, percentOf, type Score, scoreOf, table } from './score.ts'

/*
 * Makes every small change there is in a module, one after the other, and says how many of them the tests of its package
 * find. Fails when a module is below `--least`.
 */
const help = `pnpm mutate [modules] [options]
  ${modules.map(({ name }) => name).join(', ')}; default: all of them
  --changed COMMIT  only in files that are not what they were there
  --only TEXT       only in files with this in their path
  --least 90        of a hundred changes so many have to be found
  --missed          tells each that was not found
  --workers 1       so many at once`
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    changed: { type: 'string' },
    only: { type: 'string', default: '' },
    least: { type: 'string', default: '90' },
    missed: { type: 'boolean', default: false },
    workers: { type: 'string', default: '1' },
    help: { type: 'boolean', default: false },
  },
})
if (values.help) {
  console.log(help)
  process.exit(0)
}
const unknown = positionals.filter(name => !modules.some(module => module.name === name))
if (unknown.length > 0) throw new Error(`there is no module ${unknown.join(', ')}\n${help}`)

const totals: Score[] = []
for (const module of modules) {
  if (positionals.length > 0 && !positionals.includes(module.name)) continue
  const files = (
    values.changed === undefined ? filesOf(module) : changedSince(values.changed, module)
  ).filter(file => file.includes(values.only))
  if (files.length === 0) {
    console.log(`${module.name}: nothing has changed`)
    continue
  }
  const began = performance.now()
  const judged = await mutate(module, files, { workers: Number(values.workers) })
  const byFile = new Map<string, Judged[]>(files.map(file => [file, []]))
  for (const each of judged) byFile.get(each.fileName)?.push(each)
  const seconds = Math.round((performance.now() - began) / 1_000)
  console.log(`\n${module.name}: ${judged.length} changes in ${seconds} s`)
  console.log(table([...byFile].map(([file, each]) => scoreOf(file, each))))
  if (values.missed) for (const each of judged.filter(isMissed)) console.log(missedLine(each))
  totals.push(scoreOf(module.name, judged))
}
if (totals.length > 1) console.log(`\n${table(totals)}`)
const low = totals.filter(score => percentOf(score) < Number(values.least))
if (low.length > 0) {
  console.log(`below ${values.least} %: ${low.map(({ name }) => name).join(', ')}`)
  process.exitCode = 1
}
