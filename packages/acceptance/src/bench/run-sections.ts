import { commandValues } from '../command.ts'
import type { Section } from './section.ts'

/**
 * Runs the sections that the command line names, or all; with `--json` the last line is `{"ratios":…,"absolute":…}`, with `--full` those
 * that know larger numbers take them.
 */
export async function runSections(name: string, about: string, sections: readonly Section[]): Promise<void> {
  const { words: wanted, ...options } = commandValues({
    ...{ name, about },
    options: {
      full: [false, 'larger numbers, in the parts that know some'],
      json: [false, 'the last line is one object of JSON'],
    },
    anyOf: sections.map(section => section.name),
  })

  const absolute: Record<string, number> = {}
  const ratios: Record<string, number> = {}
  for (const section of sections) {
    if (wanted.length > 0 && !wanted.includes(section.name)) continue
    console.log(section.name)
    const found = await section.run({ isFull: options.full })
    for (const [kind, values] of [
      [absolute, found.absolute],
      [ratios, found.ratios ?? {}],
    ] as const)
      for (const [name, value] of Object.entries(values)) {
        kind[`${section.name}.${name}`] = value
        console.log(`  ${name.padEnd(30)} ${readable(value)}${kind === ratios ? ' (ratio)' : ''}`)
      }
  }
  if (options.json) console.log(JSON.stringify({ ratios, absolute }))
}

function readable(value: number): string {
  return Math.abs(value) >= 1_000 ? Math.round(value).toLocaleString('en') : value.toFixed(3)
}
