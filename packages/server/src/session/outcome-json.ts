import type { DownOf, Outcome } from '@nearcloud/protocol'

export type OutcomeJson = DownOf<'pushed'>['outcomes'][number]

/** An outcome as a message carries it. */
export function outcomeToJson(outcome: Outcome): OutcomeJson {
  if (outcome.status === 'rejected') {
    const { id, status, code, reason, details } = outcome
    return { id, status, code, reason, ...(details && { details: { ...details } }) }
  }
  const { id, status, version, superseded } = outcome
  return { id, status, version, ...(superseded && { superseded: [...superseded] }) }
}
