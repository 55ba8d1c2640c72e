/** Where the WeChat API does what `cloud.openapi` names. */
export interface Endpoint {
  readonly path: string
  readonly method: 'GET' | 'POST'
  /** It answers a picture. */
  readonly isBinary?: boolean
}

const post = (path: string): Endpoint => ({ path, method: 'POST' })
const get = (path: string): Endpoint => ({ path, method: 'GET' })
const picture = (path: string): Endpoint => ({ path, method: 'POST', isBinary: true })

const endpoints: Readonly<Record<string, Endpoint>> = {
  'customerServiceMessage.send': post('/cgi-bin/message/custom/send'),
  'customerServiceMessage.setTyping': post('/cgi-bin/message/custom/typing'),
  'security.mediaCheckAsync': post('/wxa/media_check_async'),
  'security.msgSecCheck': post('/wxa/msg_sec_check'),
  'subscribeMessage.addTemplate': post('/wxaapi/newtmpl/addtemplate'),
  'subscribeMessage.deleteTemplate': post('/wxaapi/newtmpl/deltemplate'),
  'subscribeMessage.getCategory': get('/wxaapi/newtmpl/getcategory'),
  'subscribeMessage.getTemplateList': get('/wxaapi/newtmpl/gettemplate'),
  'subscribeMessage.send': post('/cgi-bin/message/subscribe/send'),
  'uniformMessage.send': post('/cgi-bin/message/wxopen/template/uniform_send'),
  'urllink.generate': post('/wxa/generate_urllink'),
  'urlscheme.generate': post('/wxa/generatescheme'),
  'wxacode.createQRCode': picture('/cgi-bin/wxaapp/createwxaqrcode'),
  'wxacode.get': picture('/wxa/getwxacode'),
  'wxacode.getUnlimited': picture('/wxa/getwxacodeunlimit'),
}

/** Undefined for what is not known here. */
export function endpointOf(api: string): Endpoint | undefined {
  return Object.hasOwn(endpoints, api) ? endpoints[api] : undefined
}
