import { CloudError } from '@nearcloud/protocol'
import type { CharacterClass } from './character-class.ts'

/** A regular expression, understood. Greediness and capturing are gone: the only question is whether it is found. */
export type Node =
  /** One code point; with `fold`, whatever its case. */
  | { readonly type: 'character'; readonly code: number; readonly fold: boolean }
  | { readonly type: 'class'; readonly set: CharacterClass }
  | { readonly type: 'assertion'; readonly kind: Assertion }
  | { readonly type: 'sequence'; readonly parts: readonly Node[] }
  | { readonly type: 'choice'; readonly options: readonly Node[] }
  /** `max` may be Infinity. */
  | { readonly type: 'repeat'; readonly part: Node; readonly min: number; readonly max: number }

export type Assertion = 'textStart' | 'textEnd' | 'lineStart' | 'lineEnd' | 'wordEdge' | 'noWordEdge'

/** What keeps an expression's memory and time within its pattern. */
export const regexLimits = {
  patternLength: 2_000,
  groupDepth: 100,
  /** Of `{n,m}`. */
  repeat: 1_000,
  /** Steps of the compiled program, repetitions written out. */
  programSteps: 2_000,
} as const

export function refusePattern(pattern: string, reason: string): CloudError {
  return new CloudError('INVALID_PARAM', {
    errMsg: `the regular expression /${pattern.slice(0, 100)}/ cannot be run: ${reason}`,
    details: { reason },
  })
}
