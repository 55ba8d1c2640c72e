import { type Clock, CloudError, type Millis, type Version } from '@nearcloud/protocol'
import type { Change } from '../commit/change.ts'
import type { Log } from '../log-line.ts'
import type { Engine } from './engine.ts'
import { nextTurn } from './turn.ts'

/**
 * How much of the past is kept. A client that was away for longer is not told what happened, but compared: its documents by
 * their ids and versions.
 */
export interface HistoryLimits {
  /** Of changes. Default a week. */
  readonly maxAgeMs?: Millis
  /**
   * Of all changes together. Default an eighth of what the documents take (who missed more is compared as quickly), at least
   * 32 KB and at most 1 GB.
   */
  readonly maxBytes?: number
  /**
   * How the mutations of a client were decided that was not heard of for so long is forgotten. Default half a year. When it comes
   * back, it sends what it certainly never sent; what it may have sent goes among its rejected ones.
   */
  readonly clientsMaxAgeMs?: Millis
}

export interface KeepHistoryShortOptions {
  readonly engine: Engine
  readonly env: string
  readonly clock: Clock
  readonly log: Log
  readonly limits?: HistoryLimits
  readonly onCommit: (listener: (changes: readonly Change[]) => void) => () => void
  /** Somebody still reads behind this version, whatever the size is, but not for longer than `maxAgeMs`. */
  readonly held?: () => Version
}

/**
 * Prunes at the beginning, after every few thousand changes, and every half minute; then gives free space back. All of it
 * in short steps between commits. Returns the way to stop, which waits for the step under way.
 */
export function keepHistoryShort(options: KeepHistoryShortOptions): () => Promise<void> {
  const { engine, env, clock, log, limits = {}, held } = options
  const { maxAgeMs, clientsMaxAgeMs } = { ...usualLimits, ...limits }
  let cancel = () => {}
  let isOver = false
  /** Changes since the last look, and since space was given back. */
  let [changes, untidied] = [0, 1]
  let clientsAt = Number.NEGATIVE_INFINITY
  let underWay: Promise<void> | undefined

  async function prune(): Promise<void> {
    const { documents, history } = await engine.bytes(env)
    if (history === 0) return
    const maxBytes = limits.maxBytes ?? Math.min(Math.max(documents / 8, leastBytes), mostBytes)
    const head = await engine.head(env)
    const aged = { before: clock.now() - maxAgeMs, maxBytes: Number.POSITIVE_INFINITY, upTo: head }
    await inSteps(() => engine.prune(env, aged, pageChanges))
    const large = { before: Number.NEGATIVE_INFINITY, maxBytes, upTo: Math.min(head, held?.() ?? head) }
    await inSteps(() => engine.prune(env, large, pageChanges))
  }

  async function forgetClients(): Promise<void> {
    if (clock.now() - clientsAt < clientsEveryMs) return
    clientsAt = clock.now()
    let after: string | undefined = ''
    await inSteps(async () => {
      after = await engine.forgetClients(env, clientsAt - clientsMaxAgeMs, after!, pageChanges)
      return after !== undefined
    })
  }

  /** Other work of the process runs between the steps. */
  async function inSteps(step: () => Promise<boolean>): Promise<void> {
    while (!isOver && (await step())) await nextTurn()
  }

  async function work(isQuiet: boolean): Promise<void> {
    changes = 0
    try {
      await prune()
      if (!isQuiet) return
      await forgetClients()
      if (untidied === 0) return
      untidied = 0
      await inSteps(() => engine.tidy())
    } catch (thrown) {
      log({
        level: 'error',
        event: 'history.prune',
        message: `old history could not be pruned: ${thrown instanceof Error ? thrown.message : String(thrown)}`,
      })
    }
  }

  function begin(isQuiet: boolean): void {
    if (isOver || underWay) return
    underWay = work(isQuiet).finally(() => {
      underWay = undefined
    })
  }

  function tick(): void {
    begin(true)
    if (!isOver) cancel = clock.after(everyMs, tick)
  }

  const stop = options.onCommit(committed => {
    changes += committed.length
    untidied += committed.length
    if (changes >= everyChanges) begin(false)
  })
  tick()
  return async () => {
    isOver = true
    cancel()
    stop()
    await underWay
  }
}

/** The limits as they are. Throws SERVER_CONFIGURATION, in one sentence, for what none of them can be. */
export function checkHistoryLimits(limits: HistoryLimits): HistoryLimits {
  const { maxAgeMs, clientsMaxAgeMs } = { ...usualLimits, ...limits }
  for (const [name, value] of Object.entries(limits)) {
    if (!Object.hasOwn(leasts, name))
      throw refused(`there is no "${name}"; there are ${Object.keys(leasts).join(', ')}`)
    const least = leasts[name as keyof HistoryLimits]
    if (typeof value !== 'number' || !(value >= least))
      throw refused(`${name} is a number of at least ${least}, not ${JSON.stringify(value)}`)
  }
  if (clientsMaxAgeMs < 4 * maxAgeMs)
    throw refused(
      `clientsMaxAgeMs (${clientsMaxAgeMs}) has to be at least four times maxAgeMs (${maxAgeMs}): what is forgotten of a client is forgotten for good`,
    )
  return limits
}

function refused(words: string): CloudError {
  return new CloudError('SERVER_CONFIGURATION', { errMsg: `the limits of the history: ${words}` })
}

/** A minute, 4 KB, a day. */
const leasts: Readonly<Record<keyof HistoryLimits, number>> = {
  maxAgeMs: 60_000,
  maxBytes: 4_096,
  clientsMaxAgeMs: 86_400_000,
}

export const usualLimits = { maxAgeMs: 7 * 24 * 3_600_000, clientsMaxAgeMs: 182 * 24 * 3_600_000 } as const

const leastBytes = 32_768
const mostBytes = 1_073_741_824
const everyMs: Millis = 30_000
const everyChanges = 4_000
const clientsEveryMs: Millis = 24 * 3_600_000
const pageChanges = 2_000
