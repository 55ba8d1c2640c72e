import type { Value } from '@nearcloud/protocol'
import type { Expression, ProjectStage } from '@nearcloud/query'
import { evaluate, type Variables } from './expressions/evaluate.ts'
import { type Fields, fieldOf, fieldsOf, isArray, type Maybe } from './order.ts'
import { project } from './project-sort.ts'

type Computed = readonly (readonly [path: string, Expression])[]

/** The `project` of a pipeline: fields that are kept, then those that are computed of the document as it came. */
export function projected(document: Value, stage: ProjectStage, variables: Variables): Value {
  const wishes = stage.filter((each): each is readonly [string, boolean] => typeof each[1] === 'boolean')
  const computed = stage.filter((each): each is readonly [string, Expression] => typeof each[1] !== 'boolean')
  const isExclusion = computed.length === 0 && wishes.some(([path, wish]) => path !== '_id' && !wish)
  const hidesIdAlone = computed.length === 0 && wishes.length === 1 && stage[0]![0] === '_id' && !stage[0]![1]
  if (isExclusion || hidesIdAlone) return project(document, Object.fromEntries(wishes))
  const chosen = stage.some(([path]) => path === '_id') ? stage : [['_id', true] as const, ...stage]
  return choiceIn(document, chosen, variables)!
}

/** What is kept of a value, in its order, and then what is computed in it; undefined when there is neither. */
function choiceIn(value: Maybe, stage: ProjectStage, variables: Variables): Maybe {
  if (isArray(value))
    return value.map(each => choiceIn(each, stage, variables)).filter(each => each !== undefined)
  const isComputed = stage.some(([, wish]) => typeof wish !== 'boolean')
  const fields = fieldsOf(value) ?? (isComputed ? {} : undefined)
  if (!fields) return undefined
  const result: { [key: string]: Value } = {}
  const names = stage.map(([path]) => path.split('.')[0]!)
  const kept = Object.keys(fields).filter(key => !stage.some(([path, wish]) => path === key && wish !== true))
  for (const name of new Set([...kept, ...names])) {
    const whole = stage.find(([path]) => path === name)
    const below = stage
      .filter(([path]) => path.startsWith(`${name}.`))
      .map(([path, wish]) => [path.slice(name.length + 1), wish] as const)
    if (whole?.[1] === false) continue
    const field = whole
      ? typeof whole[1] === 'boolean'
        ? fieldOf(fields, name)
        : evaluate(whole[1], variables)
      : below.length > 0
        ? choiceIn(fieldOf(fields, name), below, variables)
        : undefined
    if (field !== undefined) result[name] = field
  }
  return result
}

/** Every field is computed of the document as it came. */
export function withFields(document: Value, computed: Computed, variables: Variables): Value {
  return computed.reduce(
    (shaped, [path, expression]) =>
      withField(shaped, path.split('.'), () => evaluate(expression, variables)) as Value,
    document,
  )
}

/**
 * A field replaced in place or added behind; taken away when there is no value. Every element of an array gets it, each
 * computed anew: in an empty one there is nothing to compute.
 */
export function withField(target: Maybe, [name, ...rest]: readonly string[], compute: () => Maybe): Maybe {
  if (name === undefined) return compute()
  if (isArray(target)) return target.map(each => withField(each, [name, ...rest], compute)!)
  return assigned(target, name, withField(fieldOf(target, name), rest, compute))
}

/** As `withField`, but only objects have fields: whatever else is on the way is replaced. */
export function withNested(target: Maybe, [name, ...rest]: readonly string[], value: Maybe): Maybe {
  return name === undefined ? value : assigned(target, name, withNested(fieldOf(target, name), rest, value))
}

function assigned(target: Maybe, name: string, value: Maybe): Fields {
  const fields = fieldsOf(target) ?? {}
  if (value !== undefined) return { ...fields, [name]: value }
  const { [name]: _, ...others } = fields
  return others
}
