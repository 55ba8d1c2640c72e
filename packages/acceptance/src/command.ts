import { randomInt } from 'node:crypto'
import { parseArgs } from 'node:util'

/** What is taken where the option is not given, and what it is. A number is 0 or more; a seed may also be "random". */
export type CommandOption = readonly [standard: number | string | boolean, about: string]

export type CommandOptions = Readonly<Record<string, CommandOption>>

export interface Command<Options extends CommandOptions = CommandOptions> {
  /** As it is called: `pnpm run crash:server`. */
  readonly name: string
  readonly about: string
  readonly options: Options
  /** Options that may also be given without their name, in this order. */
  readonly inOrder?: readonly string[]
  /** Words of which any may be given instead. */
  readonly anyOf?: readonly string[]
}

export type CommandValues<Options extends CommandOptions> = {
  /** Those of `anyOf`. */
  readonly words: readonly string[]
} & {
  readonly [Name in keyof Options]: Options[Name][0] extends number | 'random'
    ? number
    : Options[Name][0] extends boolean
      ? boolean
      : string
}

/** What the command was called with. Answers `--help`, and mistakes with what is right, and ends the process. */
export function commandValues<const Options extends CommandOptions>(
  command: Command<Options>,
): CommandValues<Options> {
  try {
    const values = valuesOf(command, process.argv.slice(2))
    if (values) return values
    console.log(helpOf(command))
    process.exit(0)
  } catch (thrown) {
    console.error(`${(thrown as Error).message}\n\n${helpOf(command)}`)
    process.exit(2)
  }
}

/** Undefined: help is asked for. Throws what is wrong. */
export function valuesOf<const Options extends CommandOptions>(
  { options, inOrder = [], anyOf = [] }: Command<Options>,
  args: readonly string[],
): CommandValues<Options> | undefined {
  const { values, positionals } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean' },
      ...Object.fromEntries(
        Object.entries(options).map(([name, [standard]]) => [
          name,
          { type: typeof standard === 'boolean' ? ('boolean' as const) : ('string' as const) },
        ]),
      ),
    },
    allowPositionals: true,
  })
  if (values.help) return undefined
  const words = positionals.slice(inOrder.length)
  const unknown = words.find(word => !anyOf.includes(word))
  if (unknown !== undefined)
    throw new Error(
      anyOf.length > 0 ? `"${unknown}" is none of ${anyOf.join(', ')}` : `"${unknown}" is more than it takes`,
    )
  const given: Record<string, unknown> = { ...values }
  for (const [n, name] of inOrder.entries()) given[name] = positionals[n] ?? given[name]
  const found = Object.entries(options).map(([name, [standard]]) => {
    const value = given[name] ?? standard
    const isNumber = typeof standard === 'number' || standard === 'random'
    return [name, isNumber ? numberOf(name, value) : value]
  })
  return { ...Object.fromEntries(found), words } as CommandValues<Options>
}

export function helpOf({ name, about, options, inOrder = [], anyOf = [] }: Command): string {
  const shown = Object.entries(options).map(([option, [standard, words]]) => {
    const isShown = typeof standard !== 'boolean' && standard !== ''
    return [`--${option}${isShown ? ` ${standard}` : ''}`, words] as const
  })
  const width = Math.max(...shown.map(([option]) => option.length))
  const order = [...inOrder, ...(anyOf.length > 0 ? [anyOf.join(' | ')] : [])]
    .map(words => `[${words}] `)
    .join('')
  return [
    `${name} ${order}[options]`,
    `  ${about}`,
    ...shown.map(([option, words]) => `  ${option.padEnd(width)}  ${words}`.trimEnd()),
  ].join('\n')
}

function numberOf(name: string, value: unknown): number {
  if (value === 'random' && (name === 'seed' || name === 'from')) return randomInt(1, 2 ** 31)
  const number = value === '' ? Number.NaN : Number(value)
  if (!(number >= 0)) throw new Error(`--${name} is a number, and "${value}" is none`)
  return number
}
