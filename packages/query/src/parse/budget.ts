import { limits } from '@nearcloud/protocol'
import { refuse } from './shapes.ts'

/** What is left to spend on one filter. */
export interface Budget {
  nodes: number
  distances: number
  /** Of the geometries that are looked into. */
  positions: number
  /** Inside a test of elements. */
  isOfElement?: boolean
}

export function fullBudget(): Budget {
  return { nodes: limits.filterNodes, distances: 1, positions: maxPositions }
}

export function spend(budget: Pick<Budget, 'nodes'>, depth: number): void {
  if (depth > limits.filterDepth) throw refuse(`conditions nested deeper than ${limits.filterDepth}`)
  if (budget.nodes-- <= 0) throw refuse(`more than ${limits.filterNodes} conditions`)
}

/** Positions of the geometries in one filter, since each may be held against each of a document's. */
const maxPositions = 1_000
