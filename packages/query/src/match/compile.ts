import { type Document, Geo, type Value } from '@nearcloud/protocol'
import { type CompileCondition, compileCondition } from '../expression-hook.ts'
import { asFields, isContainer } from '../paths.ts'
import type { ElementTest, Filter, Test } from '../types.ts'
import { compilePath, itself, type Path } from './path.ts'
import { allOf, anyOf } from './several.ts'
import { areas } from './tests/areas.ts'
import { comparison } from './tests/comparison.ts'
import { elements } from './tests/elements.ts'
import { equality } from './tests/equality.ts'
import { existence } from './tests/existence.ts'
import type { Compile, Matcher } from './tests/family.ts'
import { logic } from './tests/logic.ts'
import { nearness } from './tests/nearness.ts'
import { remainder } from './tests/remainder.ts'

/**
 * Does a document match? The one answer of the house; `filter` is checked (made by the builder or `parseQuery`).
 *
 * `condition` compiles what is computed (`_.expr`); by default `loadAggregation()` has to have been awaited for that.
 *
 * Throws INVALID_PARAM for a regular expression that cannot be run.
 */
export function compileFilter(
  filter: Filter,
  condition: CompileCondition = compileCondition,
): (document: Document) => boolean {
  return compileClauses(filter, condition)
}

/** Does an element of an array satisfy the test? Nothing is taken apart for that; only what has fields has them. */
export function compileElement(test: ElementTest): Matcher {
  if ('is' in test) return compileTest(test.is, itself)
  const matches = compileClauses(test.where, compileCondition)
  return element => {
    const fields = fieldsOf(element)
    return fields !== undefined && matches(fields)
  }
}

function compileClauses(filter: Filter, condition: CompileCondition): Matcher {
  switch (filter[0]) {
    case 'expr':
      return condition(filter[1])
    case 'field':
      return compileTest(filter[2], compilePath(filter[1]))
    case 'and':
      return allOf(filter[1].map(part => compileClauses(part, condition)))
    case 'or':
      return anyOf(filter[1].map(part => compileClauses(part, condition)))
    case 'nor': {
      const isAny = anyOf(filter[1].map(part => compileClauses(part, condition)))
      return document => !isAny(document)
    }
  }
}

/** One line per operator of the language. */
function compileTest(test: Test, path: Path): Matcher {
  switch (test[0]) {
    case 'eq':
    case 'neq':
    case 'in':
    case 'nin':
      return equality(test, path, compile)
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return comparison(test, path, compile)
    case 'exists':
      return existence(test, path, compile)
    case 'mod':
      return remainder(test, path, compile)
    case 'all':
    case 'size':
    case 'elemMatch':
      return elements(test, path, compile)
    case 'geoWithin':
    case 'geoIntersects':
      return areas(test, path, compile)
    case 'geoNear':
      return nearness(test, path, compile)
    case 'and':
    case 'or':
    case 'not':
      return logic(test, path, compile)
  }
}

const compile: Compile = { test: compileTest, element: compileElement }

/** An array among the elements has its elements as fields, by index. */
function fieldsOf(element: Value): Value | undefined {
  if (Array.isArray(element)) return { ...(element as readonly Value[]) }
  if (element instanceof Geo) return asFields(element)
  return isContainer(element) ? element : undefined
}
