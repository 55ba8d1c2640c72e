import { gzipSync } from 'node:zlib'
import type { Dice } from '../scenario/dice.ts'

/** An operation of the OpenAPI document, as much of it as is needed to ask for it. */
export interface Operation {
  readonly method: string
  readonly path: string
  /** What its body may have in it. */
  readonly fields: readonly string[]
  readonly hasBody: boolean
}

export interface Known {
  readonly operations: readonly Operation[]
  /** Tokens of users, who may do what users may. */
  readonly tokens: readonly string[]
}

/** The operations of a document of OpenAPI. */
export function operationsOf(document: {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  readonly components: { readonly schemas: Readonly<Record<string, { readonly properties?: object }>> }
}): readonly Operation[] {
  return Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => {
      const { operationId = '', requestBody } = operation as { operationId?: string; requestBody?: object }
      const body =
        document.components.schemas[`${operationId.replace(/^./, first => first.toUpperCase())}Body`]
      return {
        method: method.toUpperCase(),
        path,
        fields: Object.keys(body?.properties ?? {}),
        hasBody: requestBody !== undefined,
      }
    }),
  )
}

/** The bytes of a request: of an operation with odd things in it, or broken in a way that broke something somewhere. */
export function hostileRequest(dice: Dice, known: Known): Buffer {
  return dice.below(10) === 0 ? Buffer.from(dice.pick(broken)(dice), 'latin1') : oddRequest(dice, known)
}

function oddRequest(dice: Dice, { operations, tokens }: Known): Buffer {
  const { method, path, fields, hasBody } = dice.pick(operations)
  // some are as they should be, or nearly: they get far
  const isCalm = dice.below(5) < 2
  const seldom = (one: number) => !isCalm && dice.below(one) === 0
  const filled = path.replace(/\{\w+\}/g, () =>
    isCalm ? dice.pick(names.slice(0, 4)) : pickEarly(dice, names),
  )
  const search = seldom(6) ? dice.pick(searches) : path.endsWith('/content') ? '?path=a.txt' : ''
  const text = hasBody || seldom(10) ? bodyOf(dice, fields, isCalm) : ''
  const isPacked = seldom(40)
  const body = isPacked ? bomb : Buffer.from(seldom(8) ? mutated(dice, text) : text)
  const headers = [
    'host: a',
    ...(seldom(6) ? [] : [`authorization: Bearer ${seldom(12) ? dice.pick(names) : dice.pick(tokens)}`]),
    `content-type: ${seldom(12) ? dice.pick(types) : 'application/json'}`,
    ...(dice.below(5) === 0 ? [`idempotency-key: ${seldom(3) ? dice.pick(names) : dice.pick(keys)}`] : []),
    ...(seldom(10) ? [dice.pick(oddHeaders)] : []),
    ...(isPacked ? [`content-encoding: ${dice.pick(['gzip', 'br', 'deflate'])}`] : []),
    `content-length: ${seldom(30) ? dice.pick(lengths) : body.length}`,
  ]
  return Buffer.concat([
    Buffer.from(`${method} ${filled}${search} HTTP/1.1\r\n${headers.join('\r\n')}\r\n\r\n`, 'latin1'),
    body,
  ])
}

function bodyOf(dice: Dice, fields: readonly string[], isCalm: boolean): string {
  if (!isCalm && dice.below(10) === 0) return dice.pick(values)
  const wanted = fields.filter(() => isCalm || dice.below(4) > 0)
  const all = !isCalm && dice.below(8) === 0 ? [...wanted, dice.pick(names)] : wanted
  return `{${all
    .map(name => {
      const possible = valuesByField[name] ?? values
      return `${JSON.stringify(name)}:${isCalm ? dice.pick(possible.slice(0, 2)) : pickEarly(dice, possible)}`
    })
    .join()}}`
}

/** Half of the time one of the first, which are the least odd: so that some get far. */
function pickEarly(dice: Dice, list: readonly string[]): string {
  return dice.below(2) === 0 ? list[dice.below(Math.min(4, list.length))]! : dice.pick(list)
}

/** A character that goes, comes, or becomes another. */
function mutated(dice: Dice, text: string): string {
  const at = dice.below(Math.max(text.length, 1))
  return (
    text.slice(0, at) +
    dice.pick(['', '"', '{', '[', '\u0000', ',', 'é', '\\', '9'.repeat(400)]) +
    text.slice(at + dice.below(3))
  )
}

const names = [
  ...[
    'todos',
    'open',
    'x',
    'a',
    '1',
    '_jobs',
    '_indexes',
    '_files',
    '_users',
    '__proto__',
    'constructor',
    'toString',
  ],
  ...[
    '..',
    '.',
    '%2e%2e',
    '%2e%2e%2fkeys.json',
    '%00',
    '%ff',
    '%',
    '%zz',
    '%0d%0aset-cookie:a=b',
    '%F0%9F%9C%81',
    'a%2Fb',
  ],
  ...['x'.repeat(300), 'x'.repeat(5_000), '%5c..%5c', '*', '{id}', ':id', '~', '%20'],
]
const keys = ['key-0001', 'key-0002', 'key-0003']
const searches = [
  '?idType=number',
  '?idType=x',
  '?path=a.txt',
  '?path=../x',
  '?__proto__=1',
  '?a=1&a=2',
  '?%',
  '?by=openid',
  `?${'a&'.repeat(2_000)}`,
]
const types = [
  'text/plain',
  'multipart/form-data; boundary=x',
  'application/json; charset=utf-16',
  '',
  'image/svg+xml',
  'a/b\u0001',
]
const lengths = ['0', '1', '9999999999', '-1', '1e3', '0x10', '']
const oddHeaders = [
  'origin: https://evil.example',
  'origin: null',
  'x-forwarded-for: 1.1.1.1, 127.0.0.1',
  'transfer-encoding: chunked',
  'expect: 100-continue',
  'upgrade: websocket\r\nconnection: upgrade',
  'range: bytes=0-0,1-1',
  `cookie: ${'a=b; '.repeat(500)}`,
  'if-none-match: *',
  'x-http-method-override: DELETE',
]
const deep = `${'["and",['.repeat(200)}${']]'.repeat(200)}`
const values = [
  ...[
    'null',
    'true',
    '0',
    '-0',
    '1e308',
    '1e999',
    '""',
    '"x"',
    '[]',
    '{}',
    '{"a":1}',
    '[null]',
    '{"$date":1}',
    '{"$date":1e99}',
    '{"$where":"1"}',
  ],
  ...[
    '{"__proto__":1}',
    '{"constructor":{"prototype":{"a":1}}}',
    '{"$binary":"AA=="}',
    '{"$regularExpression":{"pattern":"(a+)+$","options":""}}',
  ],
  ...[
    '{"$serverDate":0}',
    '{"$text":"x"}',
    '{"type":"Point","coordinates":[1,2]}',
    '{"type":"Point","coordinates":[1e99,2]}',
    '"\\ud800"',
  ],
  ...[
    `"${'x'.repeat(3_000)}"`,
    deep,
    `${'['.repeat(3_000)}${']'.repeat(3_000)}`,
    `{${Array.from({ length: 300 }, (_, n) => `"k${n}":${n}`).join()}}`,
  ],
]
const filters = [
  ...[
    '{}',
    '{"_openid":"{openid}"}',
    '{"_openid":"{openid}","n":1}',
    '["and",[]]',
    '["field","_openid",["eq","{openid}"]]',
    '["field","n",["gt",1]]',
  ],
  ...[
    '["field","n",["eq",{"$regularExpression":{"pattern":"(a+)+$","options":""}}]]',
    '["expr",["call","eq",["list",[["path","n"],["value",1]]]]]',
  ],
  ...[
    '["field","__proto__",["eq",1]]',
    '["field","a.b.0",["elemMatch",{"is":["gt",1]}]]',
    '["field","n",["mod",[0,1]]]',
    '["nor",[["field","n",["exists",true]]]]',
  ],
  '["field","place",["geoNear",{"geometry":{"type":"Point","coordinates":[1,2]},"maxDistance":5}]]',
  deep,
]
const valuesByField: Readonly<Record<string, readonly string[]>> = {
  where: [...filters, ...values],
  data: [
    '{}',
    '{"n":1}',
    '{"_id":"x","n":2}',
    '{"_id":7}',
    '{"_openid":"x"}',
    '{"a.b":1}',
    '{"$inc":1}',
    ...values,
  ],
  changes: [
    ...[
      '[["n","inc",1]]',
      '[["n","set",{"a":1}]]',
      '[["n","push",[1]],["n.0","set",1]]',
      '[["_id","set",1]]',
      '[["a","rename","b"]]',
      '[["n","pull",{"is":["gt",1]}]]',
    ],
    ...[
      '[["n","constructor",1]]',
      '[[]]',
      '[["__proto__.x","set",1]]',
      '[["n","bit",{"and":1}]]',
      '[["n","push",{"each":[3,1],"sort":1,"slice":1e9}]]',
      '[["n","inc",1e308],["m","mul",1e308]]',
    ],
  ],
  stages: [
    ...[
      '[]',
      '[["match",["and",[]]]]',
      '[["limit",1]]',
      '[["sample",1e9]]',
      '[["unwind",{"path":"a","keepEmpty":true}]]',
      '[["count","n"]]',
      '[["constructor",1]]',
    ],
    ...[
      '[["lookup",{"from":"todos","as":"x","localField":"a","foreignField":"b"}]]',
      '[["lookup",{"from":"_users","as":"x","let":[],"pipeline":[]}]]',
    ],
    ...[
      '[["group",{"by":["value",null],"fields":[["n","sum",["path","n"]]]}]]',
      '[["project",[["a",["call","add",["list",[]]]]]]]',
    ],
    `[${'["skip",1],'.repeat(300)}["limit",1]]`,
  ],
  writes: [
    '[{"op":"add","collection":"open","data":{"n":1}}]',
    '[{"op":"set","collection":"_jobs","id":"x","data":{}}]',
    '[{"op":"text","collection":"open","id":"x"}]',
    '[{"op":"update","collection":"open","id":"x","changes":[["n","inc",1]]},{"op":"remove","collection":"todos","id":"x"}]',
  ],
  orderBy: [
    '[]',
    '[["n","asc"]]',
    '[["n","up"]]',
    '[["__proto__","asc"]]',
    `[${'["n","asc"],'.repeat(40)}["n","asc"]]`,
  ],
  fields: ['{}', '{"n":true}', '{"n":false,"m":true}', '{"__proto__":true}', '{"n":["slice",[0,1e99]]}'],
  files: [
    '[]',
    '["cloud://a.b/c"]',
    '["cloud://default.nearcloud/../../keys.json"]',
    '[{"fileID":"cloud://default.nearcloud/secret.txt"}]',
    '[{"fileID":"x","maxAge":1e99}]',
  ],
  path: ['"a.txt"', '"../x"', '"/etc/passwd"', '"a/../../b"', '""', '"a\\u0000b"', `"${'a/'.repeat(200)}"`],
  sha256: [`"${'0'.repeat(64)}"`, '"x"', '""'],
  size: ['0', '5', '-1', '1e99', '104857601'],
  username: ['"anna"', '"constructor"', '"__proto__"', '"a"', '"ＡＮＮＡ"', `"${'x'.repeat(999)}"`],
  password: ['"correct horse"', '""', `"${'x'.repeat(3_000)}"`],
}
const bomb = gzipSync(Buffer.alloc(2_000_000))

const broken: readonly ((dice: Dice) => string)[] = [
  dice => String.fromCharCode(...Array.from({ length: 1 + dice.below(200) }, () => dice.below(256))),
  () => 'GET / HTTP/1.1\r\n\r\n',
  () => 'GET /\r\n\r\n',
  () => 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  () =>
    'POST /cloud/v1/batch HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n',
  () =>
    'POST /cloud/v1/batch HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nffffffffff\r\n',
  () => 'POST /cloud/v1/batch HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n',
  () =>
    'POST /cloud/v1/batch HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 8000000\r\n\r\n{',
  () => 'GET /cloud/v1/openapi.json HTTP/1.1\r\nhost: a\r\n',
  dice => `GET /${'../'.repeat(dice.below(20))}etc/passwd HTTP/1.1\r\nhost: a\r\n\r\n`,
  dice => `GET /${'%2e%2e%2f'.repeat(dice.below(20))}keys.json HTTP/1.1\r\nhost: a\r\n\r\n`,
  dice =>
    `${dice.pick(['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'TRACE', 'CONNECT', 'PATCH', 'BREW', 'OPTIONS'])} ${dice.pick(elsewhere)} HTTP/1.1\r\nhost: a\r\n${dice.pick(oddHeaders)}\r\n\r\n`,
  dice => `GET ${dice.pick(elsewhere)} HTTP/1.1\r\nhost: a\r\nx: ${'y'.repeat(dice.below(20_000))}\r\n\r\n`,
  () => 'GET http://[::1 HTTP/1.1\r\nhost: a\r\n\r\n',
  () => 'GET //evil.example/%2f.. HTTP/1.1\r\nhost: evil.example:99999\r\n\r\n',
  () => `GET / HTTP/1.1\r\nhost: ${'a'.repeat(500)}@b:c\r\n\r\n`,
  () => `GET / HTTP/1.1\r\nhost: a\r\n${'a: b\r\n'.repeat(2_500)}\r\n`,
]
const elsewhere = [
  '/',
  '/sync',
  '/sync/poll',
  '/sync/parts/x',
  '/files/uploads/x',
  '/files/x/y/z?expires=1&signature=x',
  '/functions/constructor',
  '/auth/password/sign-in',
  '/auth/wechat',
  '/operator/users',
  '/operator/call',
  '/health',
  '/y/todos',
  '*',
  '/cloud/v1',
  '/cloud/v1/',
  '/cloud/v1//',
  '/cloud/v1/admin/users',
]
