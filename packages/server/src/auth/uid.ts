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

const uidForm = /^[\w\-#@~=*(){}[\]:.,<>+]{4,32}$/
