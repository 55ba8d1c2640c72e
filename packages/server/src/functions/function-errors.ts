import { CloudError } from '@nearcloud/protocol'

/* What a failed call says, in the original's words. The function's stack stays in the log. */

export function functionNotFound(name: string): CloudError {
  return new CloudError('FUNCTION_NOT_FOUND', {
    errMsg: 'errCode: -501000 FUNCTION_NOT_FOUND | errMsg: FunctionName parameter could not be found',
    details: { function: name.slice(0, 64) },
  })
}

export function invokeDenied(name: string): CloudError {
  return new CloudError('FUNCTIONS_EXECUTE_FAIL', {
    errMsg: `errCode: -504002 functions execute fail | errMsg: permission denied: the rule for "invoke" of the function "${name.slice(0, 64)}" refused this caller`,
    details: { function: name.slice(0, 64), rule: 'invoke' },
  })
}

/** `words` say what the function threw, or how its process ended. */
export function executeFail(name: string, requestId: string, words: string): CloudError {
  return new CloudError('FUNCTIONS_EXECUTE_FAIL', {
    errMsg: `errCode: -504002 functions execute fail | errMsg: ${words}`,
    details: { function: name, requestId },
  })
}

/** In words: how a process ended that was not asked to. */
export function endOfProcess(
  end: { readonly code: number | null; readonly signal: string | null; readonly errorOutput: string },
  memoryMb: number,
): string {
  if (end.errorOutput.includes('heap out of memory')) return `out of memory: more than ${memoryMb} MB`
  if (end.signal !== null) return `the process was ended by ${end.signal}`
  return `${end.code} code exit unexpected`
}

export function timeLimitExceeded(name: string, requestId: string, timeLimitMs: number): CloudError {
  const seconds = timeLimitMs / 1_000
  return new CloudError('FUNCTIONS_TIME_LIMIT_EXCEEDED', {
    errMsg: `errCode: -504003 FUNCTIONS_TIME_LIMIT_EXCEEDED | errMsg: Invoking task timed out after ${seconds} seconds`,
    details: { function: name, requestId, seconds },
  })
}

export function tooManyCalls(name: string): CloudError {
  return new CloudError('EXCEED_REQUEST_LIMIT', {
    errMsg: `errCode: -501003 exceed request limit | errMsg: too many calls of the function "${name}" are waiting: try again later`,
    details: { function: name },
  })
}

export function functionsClosed(): CloudError {
  return new CloudError('ABORTED', {
    errMsg: 'the server is stopping: the function was not run, or cut short',
  })
}
