import { CloudError, utf8Length } from '@nearcloud/protocol'

/** Roles somebody has, in rules `auth.roles`: sorted, each once. */
export type Roles = readonly string[]

/** At most 16 texts of at most 64 characters, 1,000 bytes together; undefined for anything else. */
export function rolesFrom(given: unknown): Roles | undefined {
  if (!Array.isArray(given) || given.length > mostRoles) return undefined
  if (!given.every(role => typeof role === 'string' && role !== '' && role.length <= longestRole))
    return undefined
  const roles = [...new Set(given as string[])].sort()
  return utf8Length(JSON.stringify(roles)) <= mostBytes ? roles : undefined
}

/** Throws INVALID_PARAM. */
export function checkRoles(given: unknown): Roles {
  const roles = rolesFrom(given)
  if (roles) return roles
  throw new CloudError('INVALID_PARAM', {
    errMsg: `roles are a list of at most ${mostRoles} texts of 1 to ${longestRole} characters, ${mostBytes} bytes together`,
  })
}

const mostRoles = 16
const longestRole = 64
/** They travel in a ticket. */
const mostBytes = 1_000
