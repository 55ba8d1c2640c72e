import { createHash } from 'node:crypto'
import type { Document } from '@nearcloud/protocol'
import type { LiveEnvironment } from '../commit/live-environment.ts'
import type { User } from '../gateway/member.ts'
import { decided } from '../rules/rule-reads.ts'
import type { Shape } from './shape.ts'

/** One collection as one user sees it, for a replica. */
export interface View {
  readonly environment: LiveEnvironment
  readonly user: User
  readonly collection: string
  readonly shape: Shape
}

/** May the user read it, as the rules and what they read are now? Null is no document. */
export function mayRead(
  { environment: { judge, reads }, user, collection }: View,
  document: Document | null,
): boolean | Promise<boolean> {
  if (document === null) return false
  return decided(reads, () => judge.mayRead(user, collection, document, reads))
}

/** Names what a copy was made under: another user, other roles or other rules make another copy. */
export function viewKeyOf({ environment, user, collection, shape }: View): string {
  const { openid, roles = [] } = user
  return createHash('sha256')
    .update(
      JSON.stringify([openid, roles, environment.judge.version, collection, shape.key, shape.owner ?? null]),
    )
    .digest('base64url')
    .slice(0, 22)
}
