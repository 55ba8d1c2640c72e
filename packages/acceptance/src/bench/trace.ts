import type { CDPSession } from 'playwright-core'

/** Of Chromium's trace. */
export interface TraceEvent {
  readonly name: string
  readonly ph: string
  readonly pid: number
  readonly tid: number
  /** These in microseconds; `tdur` of the processor: a task is also as long as others keep it from the processor. */
  readonly ts: number
  readonly dur?: number
  readonly tdur?: number
}

/** What Chromium's trace has of `work`. The page says with `performance.mark` where something begins. */
export async function traced<T>(
  devtools: CDPSession,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly events: readonly TraceEvent[] }> {
  const events: TraceEvent[] = []
  devtools.on('Tracing.dataCollected', ({ value }) => {
    for (const event of value) events.push(event as unknown as TraceEvent)
  })
  await devtools.send('Tracing.start', {
    transferMode: 'ReportEvents',
    traceConfig: { includedCategories: ['disabled-by-default-devtools.timeline', 'blink.user_timing'] },
  })
  const result = await work()
  const done = new Promise(resolve => devtools.once('Tracing.tracingComplete', resolve))
  await devtools.send('Tracing.end')
  await done
  return { result, events }
}

/** The tasks of the thread that set the marks, between two of them. What the trace itself takes to begin is none of them. */
export function tasksBetween(events: readonly TraceEvent[], from: string, to: string): readonly TraceEvent[] {
  const [first, last] = [from, to].map(word => {
    const found = events.find(({ name }) => name === word)
    if (!found) throw new Error(`the trace has no mark "${word}"`)
    return found
  }) as [TraceEvent, TraceEvent]
  return events.filter(
    ({ name, pid, tid, ph, ts }) =>
      name === 'RunTask' &&
      ph === 'X' &&
      pid === first.pid &&
      tid === first.tid &&
      ts >= first.ts &&
      ts < last.ts,
  )
}

/** Milliseconds of the processor. */
export function cpuOf({ tdur = 0 }: TraceEvent): number {
  return tdur / 1_000
}

/** Milliseconds. */
export function timeOf({ dur = 0 }: TraceEvent): number {
  return dur / 1_000
}
