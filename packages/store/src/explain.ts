import type { Considered, Explanation, Query } from '@nearcloud/query'
import type { Collection } from './collection.ts'
import { find } from './find.ts'
import type { Plan } from './planner.ts'

/** How a query is answered, by answering it. */
export function explain(collection: Collection, query: Query): Explanation {
  const { plan, choice, candidates, documents } = find(collection, query)
  return {
    ...explained(plan),
    examined: candidates,
    returned: documents.length,
    answeredBy: 'local',
    considered: choice.map(explained),
  }
}

function explained(plan: Plan): Considered {
  const isIndex = plan.plan === 'index'
  return {
    plan: plan.plan,
    ...(isIndex && { index: [plan, ...(plan.and ?? [])].map(({ index }) => index.name).join(' & ') }),
    ordered: isIndex && plan.walk !== undefined,
    estimated: Math.round(plan.cost),
  }
}
