import { CloudError } from '@nearcloud/protocol'

/** The operator's own name for a user, as the original wants it: 4 to 32 letters, digits and `_-#@~=*(){}[]:.,<>+`. */
export function isUid(text: unknown): text is string {
  return typeof text === 'string' && uidForm.test(text)
}

/** Throws INVALID_PARAM. */
export function checkUid(text: unknown): asserts text is string {
  if (isUid(text)) return
  throw new CloudError('INVALID_PARAM', {
    errMsg: 'a uid has 4 to 32 characters: letters, digits and _-#@~=*(){}[]:.,<>+',
  })
}

/** The uid of who signs in by a name and a password. */
export function uidOfUsername(name: string): string {
  return prefix + name
}

/** The name of such a uid; undefined: who has it signs in otherwise. */
export function usernameOf(uid: string): string | undefined {
  return uid.startsWith(prefix) ? uid.slice(prefix.length) : undefined
}

/** Where the password of such a uid is stored. */
export function accountKeyOf(uid: string): string | undefined {
  const name = usernameOf(uid)
  return name === undefined ? undefined : accountsPrefix + name
}

export const accountsPrefix = 'users/password/'
const prefix = 'pw:'
const uidForm = /^[\w\-#@~=*(){}[\]:.,<>+]{4,32}$/
