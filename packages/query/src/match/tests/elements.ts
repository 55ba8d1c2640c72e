import type { Test } from '../../types.ts'
import { isAmong } from '../path.ts'
import type { TestFamily, TestOf } from './family.ts'

/** all, size, elemMatch. `size` and `elemMatch` look at an array whole, never at the arrays in it. */
export const elements: TestFamily<TestOf<'all' | 'size' | 'elemMatch'>> = (test, path, compile) => {
  switch (test[0]) {
    case 'all': {
      if (test[1].length === 0) return () => false
      const equalities = test[1].map((value): Test => ['eq', value])
      return compile.test(['and', equalities], path)
    }
    case 'size': {
      const size = test[1]
      return document => path.someWhole(document, value => Array.isArray(value) && value.length === size)
    }
    case 'elemMatch': {
      const isSatisfied = compile.element(test[1])
      return document => path.someWhole(document, value => isAmong(value, isSatisfied))
    }
  }
}
