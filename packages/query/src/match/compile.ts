import type { Filter, Test } from '../types.ts'
import { compilePath, type Path } from './path.ts'
import { comparison } from './tests/comparison.ts'
import { equality } from './tests/equality.ts'
import { existence } from './tests/existence.ts'
import type { Matcher } from './tests/family.ts'
import { logic } from './tests/logic.ts'
import { nearness } from './tests/nearness.ts'

/**
 * Does a document match? The one answer of the house; `filter` is checked (made by the builder or `parseQuery`).
 *
 * Throws INVALID_PARAM for a regular expression that cannot be run.
 */
export function compileFilter(filter: Filter): Matcher {
  switch (filter[0]) {
    case 'field':
      return compileTest(filter[2], compilePath(filter[1]))
    case 'and': {
      const parts = filter[1].map(compileFilter)
      if (parts.length === 1) return parts[0]!
      return document => parts.every(matches => matches(document))
    }
    case 'or': {
      const parts = filter[1].map(compileFilter)
      return document => parts.some(matches => matches(document))
    }
    case 'nor': {
      const parts = filter[1].map(compileFilter)
      return document => !parts.some(matches => matches(document))
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
      return equality(test, path, compileTest)
    case 'gt':
    case 'gte':
    case 'lt':
    case 'lte':
      return comparison(test, path, compileTest)
    case 'exists':
      return existence(test, path, compileTest)
    case 'geoNear':
      return nearness(test, path, compileTest)
    case 'and':
    case 'or':
    case 'not':
      return logic(test, path, compileTest)
  }
}
