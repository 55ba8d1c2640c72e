/** Everybody sees every photo, and writes their own. */
export const openToAll = {
  database: { photos: { read: true, create: true } },
  storage: { read: true, write: 'resource.openid == auth.openid' },
}
