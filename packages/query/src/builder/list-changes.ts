import { geoFromJson, normalise, type Value } from '@nearcloud/protocol'
import { refuse } from '../refusals.ts'
import type { ElementTest } from '../types.ts'
import { elementTestFrom, isCondition } from './element-tests.ts'
import { Command, compare } from './logic-command.ts'
import { isPlainData } from './plain-data.ts'
import { UpdateCommand } from './update-command.ts'

/** `push(x)`, `push(x, y)`, `push([x, y])`, `push({ each: [x, y], position, sort, slice })`; one array: `push([[x, y]])`. */
export function push(...values: unknown[]): UpdateCommand {
  const [first] = values
  const options = values.length === 1 && isPlainData(first) ? optionsOf('push', first, modifiers) : undefined
  if (!options) return new UpdateCommand('push', valuesOf('push', values))
  const { each, position, sort, slice } = options
  if (position === undefined && sort === undefined && slice === undefined)
    return new UpdateCommand('push', listFrom('push', each))
  const modified: { [name: string]: unknown } = { each: listFrom('push', each), position, slice }
  if (sort !== undefined) modified.sort = isPlainData(sort) ? Object.entries(sort) : sort
  return new UpdateCommand('push', normalise(modified, { name: '_.push' }))
}

/** `unshift(x)`, `unshift(x, y)`, `unshift([x, y])`: at the beginning, in this order. */
export function unshift(...values: unknown[]): UpdateCommand {
  return new UpdateCommand('push', Object.freeze({ each: valuesOf('unshift', values), position: 0 }))
}

export function pop(): UpdateCommand {
  return new UpdateCommand('pop', null)
}

export function shift(): UpdateCommand {
  return new UpdateCommand('shift', null)
}

/** `addToSet(x)` adds one element, arrays too; `addToSet({ each: [x, y] })` adds each. */
export function addToSet(value: unknown): UpdateCommand {
  const options = isPlainData(value) ? optionsOf('addToSet', value, []) : undefined
  const list = options ? listFrom('addToSet', options.each) : normalise([value], { name: '_.addToSet' })
  return new UpdateCommand('addToSet', list)
}

/** Removes the elements that equal a value, satisfy a command, or have the fields of an object of conditions. */
export function pull(condition: unknown): UpdateCommand {
  return new UpdateCommand('pull', unwanted(condition) as unknown as Value)
}

export function pullAll(values: readonly unknown[]): UpdateCommand {
  return new UpdateCommand('pullAll', listFrom('pullAll', values))
}

function unwanted(condition: unknown): ElementTest {
  if (isPlainData(condition) && geoFromJson(condition)) return { is: compare('eq', condition) }
  if (condition instanceof Command || isCondition(condition)) return elementTestFrom('pull', condition)
  return { is: compare('eq', condition) }
}

/** Listed, or in one array. */
function valuesOf(operator: string, values: readonly unknown[]): Value {
  return listFrom(operator, values.length === 1 && Array.isArray(values[0]) ? values[0] : values)
}

/** The options of an object that has `each`; without one the object is itself a value. */
function optionsOf(
  operator: string,
  given: Readonly<Record<string, unknown>>,
  names: readonly string[],
): Readonly<Record<string, unknown>> | undefined {
  if (given.each === undefined && given.$each === undefined) return undefined
  const options: Record<string, unknown> = {}
  for (const key of Object.keys(given)) {
    const name = key.startsWith('$') ? key.slice(1) : key
    if (name !== 'each' && !names.includes(name)) throw refuse(`_.${operator} has no "${key}"`)
    options[name] = given[key]
  }
  return options
}

function listFrom(operator: string, values: unknown): Value {
  if (!Array.isArray(values)) throw refuse(`_.${operator} takes an array`)
  return normalise(values, { name: `_.${operator}` })
}

const modifiers = ['position', 'sort', 'slice']
