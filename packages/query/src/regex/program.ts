import { foldCase } from './case-folding.ts'
import type { CharacterClass } from './character-class.ts'
import { type Assertion, type Node, refusePattern, regexLimits } from './syntax.ts'

/** One step of a nondeterministic machine. `to` and `or` are numbers of steps. */
export type Step =
  | { readonly op: 'character'; readonly code: number }
  /** `code` is a case fold. */
  | { readonly op: 'folded'; readonly code: number }
  | { readonly op: 'class'; readonly set: CharacterClass }
  | { readonly op: 'assertion'; readonly kind: Assertion }
  | { op: 'fork'; to: number; or: number }
  | { op: 'jump'; to: number }
  | { readonly op: 'found' }

/** The steps of an expression; the first is where it begins. Throws INVALID_PARAM over `regexLimits.programSteps`. */
export function compileProgram(node: Node, pattern: string): readonly Step[] {
  const steps: Step[] = []

  function emit<T extends Step>(step: T): T {
    if (steps.length >= regexLimits.programSteps)
      throw refusePattern(
        pattern,
        `its repetitions, written out, have more than ${regexLimits.programSteps} steps`,
      )
    steps.push(step)
    return step
  }

  function add(part: Node): void {
    switch (part.type) {
      case 'character':
        emit(part.fold ? { op: 'folded', code: foldCase(part.code) } : { op: 'character', code: part.code })
        return
      case 'class':
        emit({ op: 'class', set: part.set })
        return
      case 'assertion':
        emit({ op: 'assertion', kind: part.kind })
        return
      case 'sequence':
        for (const each of part.parts) add(each)
        return
      case 'choice':
        addChoice(part.options)
        return
      case 'repeat':
        addRepeat(part)
        return
    }
  }

  function addChoice(options: readonly Node[]): void {
    const ends: { to: number }[] = []
    for (const option of options.slice(0, -1)) {
      const fork = emit({ op: 'fork' as const, to: steps.length + 1, or: 0 })
      add(option)
      ends.push(emit({ op: 'jump' as const, to: 0 }))
      fork.or = steps.length
    }
    add(options[options.length - 1]!)
    for (const end of ends) end.to = steps.length
  }

  function addRepeat({ part, min, max }: Extract<Node, { type: 'repeat' }>): void {
    for (let i = 0; i < min; i++) {
      const start = steps.length
      add(part)
      // nothing repeated is nothing, however often: nested repetitions of it would take for ever
      if (steps.length === start) return
    }
    if (max === Infinity) {
      const start = steps.length
      const fork = emit({ op: 'fork' as const, to: start + 1, or: 0 })
      add(part)
      emit({ op: 'jump', to: start })
      fork.or = steps.length
      return
    }
    const forks: { or: number }[] = []
    for (let i = min; i < max; i++) {
      forks.push(emit({ op: 'fork' as const, to: steps.length + 1, or: 0 }))
      add(part)
    }
    for (const fork of forks) fork.or = steps.length
  }

  add(node)
  emit({ op: 'found' })
  return steps
}
