import type { Considered, Explanation } from '@nearcloud/query'
import type { Found } from './find.ts'
import type { Plan } from './planner.ts'

/** How a query was answered. */
export function explain({ plan, choice, candidates, documents }: Found): Explanation {
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
