import { CloudError, type Json } from '@nearcloud/protocol'
import type { OpenapiResult } from './channel.ts'
import { ask } from './runtime.ts'

/** `openapi.subscribeMessage.send({ … })`: names as WeChat's, each a function too. */
export interface OpenapiNames {
  (
    args?: object,
  ): Promise<{ readonly errCode: number; readonly errMsg: string; readonly [name: string]: unknown }>
  readonly [name: string]: OpenapiNames
}

/** WeChat refused, or could not be asked: `errCode` is WeChat's number. */
export class OpenapiError extends Error {
  readonly errCode: number
  readonly errMsg: string

  constructor(errCode: number, errMsg: string) {
    super(errMsg)
    this.name = 'OpenapiError'
    this.errCode = errCode
    this.errMsg = errMsg
  }
}

/**
 * The WeChat API, called by the server with the app's credentials. Without them a call is put into the server's outbox
 * and resolves.
 */
export const openapi: OpenapiNames = named([])

/** `openapi` by the name of what is asked: `callOpenAPI({ api: 'templateMessage.send', data })`. */
export async function callOpenAPI(options: {
  readonly api: string
  readonly data?: object
}): Promise<{ result: Awaited<ReturnType<OpenapiNames>>; errMsg: string }> {
  if (typeof options?.api !== 'string' || !apiForm.test(options.api))
    throw new CloudError('INVALID_PARAM', {
      errMsg: 'callOpenAPI:fail api is a name, as in subscribeMessage.send',
    })
  return { result: await callApi(options.api, options.data), errMsg: 'callOpenAPI:ok' }
}

const apiForm = /^\w+(\.\w+)*$/

function named(path: readonly string[]): OpenapiNames {
  const call = (args?: object) => callApi(path.join('.'), args)
  return new Proxy(call, {
    get: (_, name) => (typeof name === 'string' && name !== 'then' ? named([...path, name]) : undefined),
  }) as unknown as OpenapiNames
}

async function callApi(api: string, args: unknown = {}) {
  if (typeof args !== 'object' || args === null || Array.isArray(args))
    throw new CloudError('INVALID_PARAM', { errMsg: `openapi.${api}:fail it takes an object` })
  const question = JSON.stringify({ api, args })
  const { errCode, words, result, buffer } = (await ask('openapi', question)) as OpenapiResult
  if (errCode !== 0) throw new OpenapiError(errCode, `openapi.${api}:fail ${errCode} ${words}`)
  return {
    ...(result as { [name: string]: Json }),
    ...(buffer !== undefined && { buffer: Buffer.from(buffer, 'base64') }),
    errCode: 0,
    errMsg: `openapi.${api}:ok`,
  }
}
