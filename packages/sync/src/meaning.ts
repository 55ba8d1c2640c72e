import { bindOpenid, type Query } from '@nearcloud/query'
import type { Store } from '@nearcloud/store'

/** The query with `'{openid}'` read as who this device is; as it stands while nobody has told. */
export function meantBy(store: Store, query: Query): Query {
  const { openid } = store.checkpoint
  return openid === undefined ? query : bindOpenid(query, openid)
}

/** It says `'{openid}'`, and nobody has told this device who it is: no document here can be one of these. */
export function isUnknowable(store: Store, query: Query): boolean {
  return store.checkpoint.openid === undefined && bindOpenid(query, '') !== query
}
