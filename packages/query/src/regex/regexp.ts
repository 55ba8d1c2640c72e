import { CloudError, type RegExpValue } from '@nearcloud/protocol'

/** A regular expression that can be run: time grows with text × pattern, never faster. */
export interface LinearRegExp {
  /** Is the expression found anywhere in `text`? */
  test(text: string): boolean
}

export function compileRegExp(expression: RegExpValue): LinearRegExp {
  throw new CloudError('INVALID_PARAM', { errMsg: `regular expressions cannot be run yet: ${expression}` })
}
