import { CloudError } from '@nearcloud/protocol'
import type { SignInOptions, SignInResult } from './sign-in.ts'

/** A name and what proves it, in the original's words. */
export interface PasswordCredentials extends SignInOptions {
  /** 3 to 29 characters: letters from a to z, digits and `_-.@+`; capitals are no difference. */
  readonly username: string
  /** 8 to 128 characters. */
  readonly password: string
}

export interface PasswordChange {
  readonly old_password: string
  readonly new_password: string
}

interface PasswordWays {
  signIn(credentials: PasswordCredentials): Promise<SignInResult>
  signUp(credentials: PasswordCredentials): Promise<SignInResult>
  setPassword(change: PasswordChange): Promise<void>
}

/** The ways there are, under all their names; what is no object is refused before. */
export function byPassword({ signIn, signUp, setPassword }: PasswordWays) {
  const checkedSignIn = async (credentials: PasswordCredentials) => signIn(checked(credentials))
  return {
    signIn: checkedSignIn,
    signInWithPassword: checkedSignIn,
    signInWithUsernameAndPassword: (username: string, password: string, options?: SignInOptions) =>
      checkedSignIn({ ...options, username, password }),
    signUp: async (credentials: PasswordCredentials) => signUp(checked(credentials)),
    setPassword: async (change: PasswordChange) => setPassword(checked(change)),
  }
}

/** In plain JavaScript it may be anything. */
function checked<T extends object>(given: T): T {
  if (typeof given === 'object' && given !== null) return given
  throw new CloudError('INVALID_PARAM', {
    errMsg: 'signIn:fail give an object with the username and the password',
  })
}
