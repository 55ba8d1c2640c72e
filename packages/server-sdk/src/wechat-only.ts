import { CloudError } from '@nearcloud/protocol'

/** What needs WeChat's own servers, on their network. It throws INVALID_PARAM, which says so. */
function refuse(name: string): never {
  throw new CloudError('INVALID_PARAM', {
    errMsg: `${name}:fail it is WeChat's own, and needs its servers: cloud.openapi and plain HTTPS requests work from here`,
  })
}

export const getOpenData = async (): Promise<never> => refuse('getOpenData')
export const getVoIPSign = async (): Promise<never> => refuse('getVoIPSign')
export const getCloudCallSign = async (): Promise<never> => refuse('getCloudCallSign')
export const signature = (): never => refuse('signature')
export const ai = (): never => refuse('ai')

/** `cloudPay.unifiedOrder({ … })`, by any name. */
export type RefusedNames = (() => Promise<never>) & { readonly [name: string]: RefusedNames }
export const cloudPay: RefusedNames = refusedNames('cloudPay')

function refusedNames(path: string): RefusedNames {
  return new Proxy(async () => refuse(path), {
    get: (_, name) =>
      typeof name === 'string' && name !== 'then' ? refusedNames(`${path}.${name}`) : undefined,
  }) as unknown as RefusedNames
}
