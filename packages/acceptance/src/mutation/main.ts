import { commandValues } from '../command.ts'
import { modules } from './modules.ts'
import { changedSince, filesOf, mutate } from './mutate.ts'
import { isMissed, type Judged, missedLine, percentOf, type Score, scoreOf, table } from './score.ts'

const values = commandValues({
  name: 'pnpm mutate',
  about: `Makes every small change there is in a module, one after the other, and says how many of them the tests of its package find. Fails when a
  module is below --least. Without the name of a module: all of them.`,
  options: {
    changed: ['', 'only in files that are not what they were at this commit'],
    only: ['', 'only in files with this in their path'],
    least: [90, 'of a hundred changes so many have to be found'],
    missed: [false, 'tells each that was not found'],
    workers: [1, 'so many at once'],
  },
  anyOf: modules.map(({ name }) => name),
})
const { words: wanted } = values

const totals: Score[] = []
for (const module of modules) {
  if (wanted.length > 0 && !wanted.includes(module.name)) continue
  const files = (values.changed === '' ? filesOf(module) : changedSince(values.changed, module)).filter(
    file => file.includes(values.only),
  )
  if (files.length === 0) {
    console.log(`${module.name}: nothing has changed`)
    continue
  }
  const began = performance.now()
  const judged = await mutate(module, files, { workers: values.workers })
  const byFile = new Map<string, Judged[]>(files.map(file => [file, []]))
  for (const each of judged) byFile.get(each.fileName)?.push(each)
  const seconds = Math.round((performance.now() - began) / 1_000)
  console.log(`\n${module.name}: ${judged.length} changes in ${seconds} s`)
  console.log(table([...byFile].map(([file, each]) => scoreOf(file, each))))
  if (values.missed) for (const each of judged.filter(isMissed)) console.log(missedLine(each))
  totals.push(scoreOf(module.name, judged))
}
if (totals.length > 1) console.log(`\n${table(totals)}`)
const low = totals.filter(score => percentOf(score) < values.least)
if (low.length > 0) {
  console.log(`below ${values.least} %: ${low.map(({ name }) => name).join(', ')}`)
  process.exitCode = 1
}
