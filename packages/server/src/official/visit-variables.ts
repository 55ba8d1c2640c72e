import type { OfficialCall } from '../functions/functions.ts'
import type { SdkAccess } from './signing/sdk-keys.ts'

/** How the original's platform tells an SDK, by the environment, where it is, who called, and what to sign with. */
export function visitVariables(
  {
    actor,
    source,
    appId,
    clientIp,
    unionid,
  }: Pick<OfficialCall, 'actor' | 'source' | 'appId' | 'clientIp' | 'unionid'>,
  { env, secretId, secretKey, serviceUrl }: Required<SdkAccess>,
): Record<string, string> {
  const context: Record<string, string> = {
    WX_APPID: appId,
    ...(actor.openid !== undefined && { WX_OPENID: actor.openid }),
    ...(unionid !== undefined && { WX_UNIONID: unionid }),
    ...(clientIp !== undefined && { WX_CLIENTIP: clientIp }),
  }
  return {
    TCB_CONTEXT_CNFG: JSON.stringify({ URL: serviceUrl }),
    TENCENTCLOUD_SECRETID: secretId,
    TENCENTCLOUD_SECRETKEY: secretKey,
    TCB_ENV: env,
    SCF_NAMESPACE: env,
    TCB_SOURCE: source,
    // so that it does not look for Tencent's network, which takes 40 ms a call
    TENCENTCLOUD: 'true',
    WX_CONTEXT_KEYS: Object.keys(context).join(','),
    ...context,
  }
}
