import type { Expression, Filter, Stage } from '../../types.ts'

/** Does a filter name one of these variables? One that it binds itself under such a name counts too. */
export function namesAny(filter: Filter, variables: ReadonlySet<string>): boolean {
  if (filter[0] === 'field') return false
  if (filter[0] === 'expr') return isNamed(filter[1], variables)
  return filter[1].some(part => namesAny(part, variables))
}

/** Does a stage? */
export function isNamedIn(stage: Stage, variables: ReadonlySet<string>): boolean {
  const named = (expression: Expression) => isNamed(expression, variables)
  switch (stage[0]) {
    case 'match':
      return namesAny(stage[1], variables)
    case 'project':
      return stage[1].some(([, choice]) => typeof choice !== 'boolean' && named(choice))
    case 'addFields':
      return stage[1].some(([, expression]) => named(expression))
    case 'group':
    case 'bucket':
    case 'bucketAuto':
      return named(stage[1].by) || stage[1].fields.some(([, , expression]) => named(expression))
    case 'replaceRoot':
    case 'sortByCount':
      return named(stage[1])
    case 'lookup': {
      const join = stage[1]
      if (!('pipeline' in join)) return false
      return (
        join.let.some(([, expression]) => named(expression)) ||
        join.pipeline.some(inner => isNamedIn(inner, variables))
      )
    }
    default:
      return false
  }
}

function isNamed(expression: Expression, variables: ReadonlySet<string>): boolean {
  switch (expression[0]) {
    case 'variable':
      return variables.has(expression[1])
    case 'list':
      return expression[1].some(item => isNamed(item, variables))
    case 'object':
      return expression[1].some(([, field]) => isNamed(field, variables))
    case 'call':
      return isNamed(expression[2], variables)
    default:
      return false
  }
}
