/** What a run found. */
export interface Report {
  points: number
  /** What is wrong, each with its point. */
  readonly violations: string[]
  /** By kind of call and file: how often the fault came there. */
  readonly hits: Record<string, number>
  /** Faults before the server had an address. */
  starting: number
  /** Mutations that were made, and those that were acknowledged. */
  made: number
  acknowledged: number
  /** Files that were acknowledged, and found whole at the end. */
  uploaded: number
  /** Documents that a trigger made, one for each note that ever was. */
  triggered: number
  /** Times all clients were found equal to what they had done, with the server running. */
  converged: number
}

export function newReport(): Report {
  return {
    points: 0,
    violations: [],
    hits: {},
    starting: 0,
    made: 0,
    acknowledged: 0,
    uploaded: 0,
    triggered: 0,
    converged: 0,
  }
}

/** Counts a fault by the call it came at: `sync nearcloud.db-wal`. Digits of names are left out. */
export function countHit(report: Report, hit: string | undefined): void {
  const [, what, path = ''] = hit?.split(' ') ?? ['', 'none']
  const name = path.slice(path.lastIndexOf('/') + 1).replaceAll(/[0-9a-f]{16,}|\d+/g, '')
  const kind = `${what} ${name}`
  report.hits[kind] = (report.hits[kind] ?? 0) + 1
}
