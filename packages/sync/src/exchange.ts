/**
 * One HTTP exchange, as a host makes it (`Platform.request` of the client is one, and so is one over `wx.request`). Rejects
 * when there was no answer in time; any status resolves.
 */
export type Exchange = (request: {
  readonly method: 'GET' | 'POST'
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  readonly timeoutMs: number
  /** Of the answer's body, unpacked: more is no answer. */
  readonly mostBytes?: number
}) => Promise<{
  readonly status: number
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
}>
