import { CloudError } from '@nearcloud/protocol'

/**
 * The one spelling of a name that is signed in by: compatibility forms and capitals are one. Throws INVALID_PARAM.
 */
export function usernameFrom(text: unknown): string {
  // what is far too long is not even looked at
  const name = typeof text === 'string' && text.length <= 200 ? text.normalize('NFKC').toLowerCase() : ''
  if (nameForm.test(name)) return name
  throw new CloudError('INVALID_PARAM', {
    errMsg:
      'a username has 3 to 29 characters: letters from a to z, digits and _-.@+, and begins with a letter or digit',
    details: { field: 'username' },
  })
}

/** The one spelling of a password that may become somebody's. Throws INVALID_PARAM. */
export function newPasswordFrom(text: unknown, name: string): string {
  const password = passwordFrom(text)
  const length = [...password].length
  if (length < fewest) throw invalid(`a password has at least ${fewest} characters`)
  if (password.toLowerCase() === name) throw invalid('a password is not the username')
  return password
}

/** The one spelling of a password that is shown. Throws INVALID_PARAM for what nobody can have. */
export function passwordFrom(text: unknown): string {
  if (typeof text !== 'string' || text === '') throw invalid('a password is a text')
  if (text.length > 2 * most) throw invalid(`a password has at most ${most} characters`)
  if (/\p{Surrogate}/u.test(text)) throw invalid('a password is a text without halves of characters')
  const password = text.normalize('NFKC')
  if ([...password].length > most) throw invalid(`a password has at most ${most} characters`)
  return password
}

function invalid(errMsg: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg, details: { field: 'password' } })
}

const nameForm = /^[a-z0-9][a-z0-9_\-.@+]{2,28}$/
const fewest = 8
const most = 128
