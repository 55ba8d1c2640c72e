import { AlipayError, alipayError } from '@nearcloud/query/dialects'

/** Callbacks of `my.cloud`; without any of them a call gives a promise. */
export interface AlipayCallbacks<Result> {
  success?(result: Result): void
  fail?(error: AlipayError): void
  complete?(outcome: Result | AlipayError): void
}

/** Does a call in the style its options ask for; what it rejects with has Alipay's number and words. */
export function inStyle<Result>(
  options: AlipayCallbacks<Result> | undefined,
  work: () => Promise<Result>,
): Promise<Result> | undefined {
  const promise = work().catch((thrown: unknown) => {
    throw fileError(thrown) ?? alipayError(thrown)
  })
  const { success, fail, complete } = options ?? {}
  if (!success && !fail && !complete) return promise
  promise.then(
    result => {
      success?.call(options, result)
      complete?.call(options, result)
    },
    (error: AlipayError) => {
      fail?.call(options, error)
      complete?.call(options, error)
    },
  )
  return undefined
}

/** What the host said of a file, by the numbers of `my.cloud`. */
function fileError(thrown: unknown): AlipayError | undefined {
  for (
    let at: unknown = thrown;
    typeof at === 'object' && at !== null;
    at = (at as { cause?: unknown }).cause
  ) {
    const { error, errMsg, errorMessage } = at as Record<string, unknown>
    const number = error === 10_022 ? 60_006 : error === 10_024 ? 60_007 : undefined
    if (number) return new AlipayError('INVALID_PARAM', number, String(errorMessage ?? errMsg))
  }
  return undefined
}
