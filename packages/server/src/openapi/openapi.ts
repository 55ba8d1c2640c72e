import { type Clock, CloudError, isPlainObject, type Json } from '@nearcloud/protocol'
import type { OpenapiResult } from '@nearcloud/server-sdk/channel'
import type { WechatOptions } from '../auth/wechat.ts'
import type { EffectNames } from '../commit/effect-names.ts'
import type { Environment } from '../commit/environment.ts'
import { onceKey } from '../commit/once.ts'
import type { OpenPaths } from '../files/open-paths.ts'
import type { Log } from '../log-line.ts'
import { endpointOf } from './endpoints.ts'
import { toCamelKeys, toSnakeKeys } from './key-case.ts'
import { OpenapiOutbox } from './outbox.ts'
import { WechatApi, WechatFailure } from './wechat-api.ts'

export interface OpenapiOptions {
  readonly environment: Environment
  readonly clock: Clock
  readonly log: Log
  /** Which files everybody may read. */
  readonly openPaths?: OpenPaths
  /** Absent: calls are put into the outbox. */
  readonly wechat?: WechatOptions | undefined
}

/** A call as a function makes it. */
export interface OpenapiCall {
  readonly api: string
  readonly args: Json
  readonly function: string
  readonly effects?: EffectNames | undefined
}

/** What stands behind `cloud.openapi` of functions. */
export class Openapi {
  readonly outbox: OpenapiOutbox
  readonly #options: OpenapiOptions
  readonly #wechat: WechatApi | undefined

  constructor(options: OpenapiOptions) {
    this.#options = options
    this.outbox = new OpenapiOutbox(options.environment)
    this.#wechat = options.wechat && new WechatApi(options.wechat, options.clock)
  }

  /**
   * What WeChat answered, in the original's names; a refusal is an answer, too. For an event that is brought again the
   * answer of the first time, where there was one.
   */
  async call(call: OpenapiCall): Promise<OpenapiResult> {
    const { engine, env } = this.#options.environment
    const once = call.effects?.next(`openapi-${call.api.slice(0, 64)}`)
    const earlier = once === undefined ? undefined : await engine.readState(env, onceKey(once))
    if (earlier !== undefined) return JSON.parse(earlier) as OpenapiResult
    const result = await this.#call(call)
    if (once !== undefined && result.errCode === 0)
      await engine.writeState(env, onceKey(once), JSON.stringify(result))
    return result
  }

  async #call({ api, args, function: name }: OpenapiCall): Promise<OpenapiResult> {
    if (api === 'cloudbase.addPermission' || api === 'cloudbase.removePermission')
      return this.#permit(api, args)
    const endpoint = endpointOf(api)
    if (!endpoint) return failed(-604100, 'API not found: this server knows no such API of WeChat')
    if (!this.#wechat) return this.#keep({ api, args, function: name }, endpoint.isBinary === true)
    try {
      const answer = await this.#wechat.call(endpoint, toSnakeKeys(args))
      if (answer.kind === 'binary') {
        const { contentType, bytes } = answer
        return {
          errCode: 0,
          words: 'ok',
          result: { contentType },
          buffer: Buffer.from(bytes).toString('base64'),
        }
      }
      const { errcode = 0, errmsg = '', ...rest } = answer.body
      if (errcode !== 0) return failed(Number(errcode), String(errmsg))
      return { errCode: 0, words: 'ok', result: toCamelKeys(rest as Json) }
    } catch (thrown) {
      if (!(thrown instanceof WechatFailure)) throw thrown
      const message = `openapi.${api} of "${name}" failed: ${thrown.message}`
      this.#options.log({ level: 'error', event: 'openapi.failed', message, facts: { function: name, api } })
      return failed(thrown.errCode, thrown.message)
    }
  }

  /** Who may read files is this server's to say. */
  async #permit(api: string, args: Json): Promise<OpenapiResult> {
    const paths = pathsOf(args)
    const { openPaths } = this.#options
    if (!paths || !openPaths) return failed(-501007, permissionWords)
    try {
      if (api === 'cloudbase.addPermission') await openPaths.add(paths)
      else await openPaths.remove(paths)
      return { errCode: 0, words: 'ok', result: {} }
    } catch (thrown) {
      if (thrown instanceof CloudError && thrown.code === 'INVALID_PARAM')
        return failed(-501007, thrown.errMsg)
      throw thrown
    }
  }

  async #keep(call: Omit<OpenapiCall, 'effects'>, isBinary: boolean): Promise<OpenapiResult> {
    const { id } = await this.outbox.add(call)
    const message = `openapi.${call.api} of "${call.function}" was not sent, since there are no WeChat credentials: it is in the outbox`
    const facts = { function: call.function, api: call.api, id }
    this.#options.log({ level: 'warn', event: 'openapi.outbox', message, facts })
    if (isBinary) return failed(-604101, 'there are no WeChat credentials, and so no picture')
    return { errCode: 0, words: 'ok', result: { outbox: id } }
  }
}

/** Of a permission to read files for everybody; of no other. */
function pathsOf(args: Json): readonly Json[] | undefined {
  if (!isPlainObject(args)) return undefined
  const { resource, action, condition, principal } = args as { readonly [name: string]: Json | undefined }
  if (resource !== 'storage.object' || action !== 'storage.getObject') return undefined
  const services = isPlainObject(principal) ? principal.service : undefined
  if (!Array.isArray(services) || !services.includes('cloudbase.anonymous')) return undefined
  const paths = isPlainObject(condition) ? condition['resource.path'] : undefined
  return Array.isArray(paths) && paths.length > 0 ? paths : undefined
}

const permissionWords =
  'here it takes resource "storage.object", action "storage.getObject", principal {"service": ["cloudbase.anonymous"]} and condition {"resource.path": [paths]}'

function failed(errCode: number, words: string): OpenapiResult {
  return { errCode, words, result: {} }
}
