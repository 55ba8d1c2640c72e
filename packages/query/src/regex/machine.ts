import { foldCase } from './case-folding.ts'
import { isWordCharacter } from './character-class.ts'
import type { Step } from './program.ts'
import type { Assertion } from './syntax.ts'

/**
 * Runs a program over a text, all its threads at once: each step is looked at once per character at most, so the time is
 * text × program, and the memory that of the program.
 */
export function createMachine(steps: readonly Step[]): (text: string) => boolean {
  /** The moment each step was last reached; a moment is one place of one text. */
  const reached = new Float64Array(steps.length)
  let moment = 0
  const stack = new Int32Array(steps.length * 2 + 1)
  /** Steps that wait for a character. */
  const waiting = new Int32Array(steps.length)
  const starting = new Int32Array(steps.length)
  let live = 0
  const fromStartOnly = beginsAtStart(steps)
  const folds = steps.some(step => step.op === 'folded')

  /** Follows the steps that need no character; true when the expression is found. */
  function enter(first: number, before: number, after: number): boolean {
    let top = 0
    stack[top++] = first
    while (top > 0) {
      const number = stack[--top]!
      if (reached[number] === moment) continue
      reached[number] = moment
      const step = steps[number]!
      switch (step.op) {
        case 'found':
          return true
        case 'jump':
          stack[top++] = step.to
          break
        case 'fork':
          stack[top++] = step.or
          stack[top++] = step.to
          break
        case 'assertion':
          if (holds(step.kind, before, after)) stack[top++] = number + 1
          break
        default:
          waiting[live++] = number
      }
    }
    return false
  }

  return text => {
    let starts = 0
    let before = none
    for (let at = 0; ; ) {
      const here = at < text.length ? text.codePointAt(at)! : none
      moment++
      live = 0
      for (let i = 0; i < starts; i++) if (enter(starting[i]!, before, here)) return true
      if ((at === 0 || !fromStartOnly) && enter(0, before, here)) return true
      if (here === none || (live === 0 && fromStartOnly)) return false
      const fold = folds ? foldCase(here) : here
      starts = 0
      for (let i = 0; i < live; i++)
        if (reads(steps[waiting[i]!]!, here, fold)) starting[starts++] = waiting[i]! + 1
      before = here
      at += here > 0xffff ? 2 : 1
    }
  }
}

const none = -1

function reads(step: Step, code: number, fold: number): boolean {
  switch (step.op) {
    case 'character':
      return step.code === code
    case 'folded':
      return step.code === fold
    case 'class':
      return step.set.has(code)
    default:
      return false
  }
}

function holds(kind: Assertion, before: number, after: number): boolean {
  switch (kind) {
    case 'textStart':
      return before === none
    case 'textEnd':
      return after === none
    case 'lineStart':
      return before === none || before === newline
    case 'lineEnd':
      return after === none || after === newline
    case 'wordEdge':
      return isWordCharacter(before) !== isWordCharacter(after)
    case 'noWordEdge':
      return isWordCharacter(before) === isWordCharacter(after)
  }
}

/** Every match begins at the text's start. */
function beginsAtStart(steps: readonly Step[]): boolean {
  const [first] = steps
  return first?.op === 'assertion' && first.kind === 'textStart'
}

const newline = 0x0a
