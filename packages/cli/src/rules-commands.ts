import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import {
  describeRules,
  type RulesTest,
  rulesTest,
  runCases,
  type Verdict,
} from '@nearcloud/server/rules-testing'
import { type ArgsDef, type CommandDef, defineCommand } from 'citty'
import { checkNames } from './function-commands.ts'
import { type Host, UsageError } from './host.ts'
import { isFolder } from './project.ts'

/** `nearcloud rules …`: what the rules of a project say, without a server. */
export function rulesCommands(
  host: Host,
  exit: (code: number) => void,
): Record<'check' | 'test' | 'explain', CommandDef> {
  const check = {
    project: {
      type: 'positional',
      required: false,
      description: 'The folder of the project (default: this folder)',
    },
  } as const
  const test = {
    ...check,
    cases: {
      type: 'string',
      valueHint: 'file',
      description: 'The cases (default: rules.test.json in the project)',
    },
    least: {
      type: 'string',
      valueHint: 'percent',
      description: 'Fails when less of the clauses was seen both ways',
    },
    json: { type: 'boolean', description: 'The results and the coverage as JSON' },
  } as const
  const explain = {
    case: { type: 'positional', required: false, description: 'One case, as JSON' },
    project: {
      type: 'string',
      valueHint: 'dir',
      description: 'The folder of the project (default: this folder)',
    },
    cases: test.cases,
  } as const
  return {
    check: define({
      meta: { name: 'check', description: 'Reads the rules, and says who may do what' },
      args: check,
      run({ args: { _, ...given } }) {
        checkNames('rules check', given, check)
        const project = folderOf(host, given.project)
        const { rules, open } = describeRules(join(project, 'rules.json'))
        for (const { place, rule } of rules) host.out(`${place}: ${rule}`)
        for (const words of open) host.err(`note: ${words}`)
      },
    }),
    test: define({
      meta: {
        name: 'test',
        description: 'Asks the rules what the cases of the project say, and shows which clauses nobody asked',
      },
      args: test,
      async run({ args: { _, ...given } }) {
        checkNames('rules test', given, test)
        const least = given.least === undefined ? 0 : Number(given.least)
        if (!(least >= 0 && least <= 100)) throw new UsageError('--least is a percentage, 0 to 100.')
        const project = folderOf(host, given.project)
        const rules = rulesTest(join(project, 'rules.json'))
        const file = resolve(host.cwd, given.cases ?? join(project, 'rules.test.json'))
        const results = await runCases(rules, readJson(file), file)
        const failed = results.filter(({ wrong }) => wrong !== undefined)
        const percent = Math.floor(rules.coverage.part * 100)
        if (given.json) {
          const told = results.map(({ words, wrong, verdict }) => ({ words, wrong, ...storyOf(verdict) }))
          host.out(JSON.stringify({ results: told, percent, clauses: rules.coverage.clauses }, null, 2))
        } else {
          for (const { words, wrong, verdict } of results) {
            host.out(
              `${wrong === undefined ? 'ok  ' : 'FAIL'} ${words}${wrong === undefined ? '' : `: ${wrong}`}`,
            )
            if (wrong !== undefined) for (const line of linesOf(verdict)) host.out(`       ${line}`)
          }
          host.out(`${results.length - failed.length} of ${results.length} cases as they are to be`)
          host.out(rules.coverage.report())
        }
        if (percent < least)
          host.err(`nearcloud: ${percent} % of the clauses were seen both ways, and not ${least} %`)
        exit(failed.length > 0 || percent < least ? 1 : 0)
      },
    }),
    explain: define({
      meta: { name: 'explain', description: 'Says which clause of which rule answers one case' },
      args: explain,
      async run({ args: { _, ...given } }) {
        checkNames('rules explain', given, explain)
        if (given.case === undefined)
          throw new UsageError(`it is "nearcloud rules explain '{"as":"ann","get":"notes/n1"}'".`)
        const project = folderOf(host, given.project)
        const rules = rulesTest(join(project, 'rules.json'))
        const file = resolve(host.cwd, given.cases ?? join(project, 'rules.test.json'))
        const one = parse(given.case, 'the case')
        const known = readJson(file, given.cases !== undefined) as { given?: object } | undefined
        await explainCase(host, rules, {
          given: known?.given ?? {},
          cases: [{ allowed: true, ...(one as object) }],
        })
      },
    }),
  }
}

/** One of several, whose arguments are its own. */
export function define<Args extends ArgsDef>(command: CommandDef<Args>): CommandDef {
  return defineCommand(command) as unknown as CommandDef
}

async function explainCase(host: Host, rules: RulesTest, cases: object): Promise<void> {
  const [result] = await runCases(rules, cases, 'the case')
  const { verdict } = result!
  host.out(verdict.allowed ? 'allowed' : `refused by ${verdict.refusedBy.join(' and ') || 'what is there'}`)
  for (const line of linesOf(verdict)) host.out(line)
  if (verdict.error) host.out(`the client is told: ${verdict.error.errMsg}`)
}

function linesOf({ decisions }: Verdict): readonly string[] {
  return decisions.flatMap(({ place, rule, holds, clauses, decided }) => [
    `${place}: ${holds ? 'yes' : 'no'}, by ${rule}`,
    ...clauses.map(
      ({ text, worth }) => `  ${worth.padEnd(5)} ${text}${decided.includes(text) ? '  <- this decides' : ''}`,
    ),
  ])
}

function storyOf({ allowed, refusedBy, decisions }: Verdict) {
  return { allowed, refusedBy, decisions }
}

function folderOf(host: Host, project: string | undefined): string {
  const folder = resolve(host.cwd, project ?? '.')
  if (!isFolder(folder)) throw new UsageError(`there is no project folder ${folder}.`)
  return folder
}

/** Undefined for a file that is not there and need not be. */
function readJson(file: string, isNeeded = true): unknown {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch {
    if (!isNeeded) return undefined
    throw new UsageError(`${file} cannot be read; the guide of rules says what is in it.`)
  }
  return parse(text, file)
}

function parse(text: string, name: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch (error) {
    throw new UsageError(`${name} is not JSON: ${error instanceof Error ? error.message : String(error)}.`)
  }
}
