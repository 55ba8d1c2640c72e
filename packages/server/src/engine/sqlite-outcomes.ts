import { assert, type MutationId, type Outcome, type Version } from '@nearcloud/protocol'
import type { OutcomeRow } from './engine.ts'
import type { Statements } from './sqlite-statements.ts'

/*
 * What was decided of a client's mutations is stored in runs, one for each 32 numbers, to which later ones are appended: a
 * row of its own for each would take several times what it says. An entry is
 *
 *   <number>=<nonce>:<version>   accepted
 *   <nonce>+<versions later>     the next mutation of the client, accepted
 *   <number>=<nonce>{…}          anything else, as JSON
 *
 * with digits of base 36; entries are apart by a line feed, which occurs in none. What is appended begins with a number and a version
 * of its own, since nobody looks at what is there already.
 */

export function putOutcomes(statements: Statements, env: string, outcomes: readonly OutcomeRow[]): void {
  for (const { client, run, first, last, text } of runParts(outcomes)) {
    const { changes } = statements.putOutcomes.run(env, client, run, last, text, first)
    assert(changes === 1, `mutation ${first} of a client is decided once`)
  }
}

export function outcomesAfter(
  statements: Statements,
  env: string,
  client: string,
  after: MutationId,
): readonly OutcomeRow[] {
  const runs = statements.outcomes.all(env, client, runOf(after)) as unknown as { text: string }[]
  return runs.flatMap(({ text }) => readRun(client, text)).filter(({ outcome }) => outcome.id > after)
}

export function forgetOutcomes(statements: Statements, env: string, client: string, upTo: MutationId): void {
  statements.forgetRuns.run(env, client, upTo)
  const cut = statements.run.get(env, client, runOf(upTo)) as { text: string } | undefined
  if (!cut) return
  const kept = readRun(client, cut.text).filter(({ outcome }) => outcome.id > upTo)
  statements.replaceRun.run(runParts(kept)[0]!.text, env, client, runOf(upTo))
}

/** The run a mutation's outcome is in. */
function runOf(id: MutationId): number {
  return Math.floor(id / runLength)
}

/** A part of a run, as it is written. */
interface RunPart {
  readonly client: string
  readonly run: number
  /** The mutations it begins and ends with. */
  readonly first: MutationId
  readonly last: MutationId
  readonly text: string
}

/** Outcomes as parts of runs. Those of one client come in the order of their mutations. */
function runParts(outcomes: readonly OutcomeRow[]): readonly RunPart[] {
  const parts: OpenPart[] = []
  const latest = new Map<string, OpenPart>()
  for (const row of outcomes) {
    const { client, outcome } = row
    const known = latest.get(client)
    if (known && known.run === runOf(outcome.id)) {
      known.text += `\n${entryOf(row, known)}`
      known.last = outcome.id
      if (outcome.status === 'accepted') known.version = outcome.version
      continue
    }
    const part: OpenPart = {
      client,
      run: runOf(outcome.id),
      first: outcome.id,
      last: outcome.id,
      text: entryOf(row, undefined),
      version: outcome.status === 'accepted' ? outcome.version : undefined,
    }
    latest.set(client, part)
    parts.push(part)
  }
  return parts
}

/** What a run holds. */
export function readRun(client: string, text: string): readonly OutcomeRow[] {
  let [id, version] = [0, 0]
  return text.split('\n').map(entry => {
    const [, number, name = '', sign, rest = ''] = entryForm.exec(entry)!
    id = number === undefined ? id + 1 : Number.parseInt(number, 36)
    const nonce = name.startsWith('"') ? (JSON.parse(name) as string) : name
    if (sign === '{') {
      const outcome = JSON.parse(`{${rest}`) as Outcome
      if (outcome.status === 'accepted') version = outcome.version
      return { client, nonce, outcome }
    }
    version = Number.parseInt(rest, 36) + (sign === '+' ? version : 0)
    return { client, nonce, outcome: { id, status: 'accepted', version } }
  })
}

interface OpenPart extends RunPart {
  last: MutationId
  text: string
  /** Of the last that was accepted in it. */
  version: Version | undefined
}

function entryOf({ nonce, outcome }: OutcomeRow, before: OpenPart | undefined): string {
  const { id, status } = outcome
  const number = before?.last === id - 1 ? '' : `${id.toString(36)}=`
  const name = isPlain.test(nonce) ? nonce : JSON.stringify(nonce)
  if (status !== 'accepted' || outcome.superseded) return number + name + JSON.stringify(outcome)
  const versions = before?.version === undefined ? -1 : outcome.version - before.version
  return `${number}${name}${versions < 0 ? `:${outcome.version.toString(36)}` : `+${versions.toString(36)}`}`
}

const isPlain = /^[\w-]*$/
const entryForm = /^(?:([0-9a-z]+)=)?([\w-]*|"(?:[^"\\]|\\.)*")([+:{])(.*)$/
/** A run of lone mutations stays below the thousand bytes of which SQLite keeps four in a page. */
const runLength = 32
