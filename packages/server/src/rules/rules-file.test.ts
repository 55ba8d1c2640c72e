import { expect, test } from 'vitest'
import { parseRules } from './rules-file.ts'

const parse = (json: unknown) =>
  parseRules(typeof json === 'string' ? json : JSON.stringify(json), '/p/rules.json')

test('[RULES-1] every part may be absent', () => {
  for (const json of [{}, { database: {} }, { storage: 'READONLY' }, { functions: {} }, '\uFEFF{}'])
    parse(json)
})

test('[RULES-2] an error names the file, the place and the reason', () => {
  const wrong: [json: unknown, sentence: string | RegExp][] = [
    ['', '/p/rules.json: line 1, column 1: it ends too early'],
    [
      '{\n  "database": {\n    "a": PRIVATE\n  }\n}',
      '/p/rules.json: line 3, column 10: an unexpected character',
    ],
    ['{"storage":"PRIVATE","storage":"READONLY"}', /a duplicate key/],
    ['{"__proto__":{}}', /the forbidden key "__proto__"/],
    ['{"database":{"constructor":"PRIVATE"}}', /the forbidden key "constructor"/],
    [[], '/p/rules.json: must be an object'],
    ['null', '/p/rules.json: must be an object'],
    [{ rules: {} }, '/p/rules.json: rules: unknown: there are database, schemas, storage, functions'],
    [{ database: [] }, '/p/rules.json: database: must be an object'],
    [{ database: { _files: true } }, /\/p\/rules\.json: database\._files: .*no collection name/],
    [{ database: { a: true } }, '/p/rules.json: database.a: must be an object'],
    [
      { database: { a: 'private' } },
      '/p/rules.json: database.a: "private" is no preset: there are READONLY, PRIVATE, ADMINWRITE, ADMINONLY',
    ],
    [{ database: { a: 'constructor' } }, /"constructor" is no preset/],
    [
      { database: { a: { list: true } } },
      /database\.a\.list: unknown: there are read, write, create, update, delete/,
    ],
    [
      { database: { a: { read: 1 } } },
      '/p/rules.json: database.a.read: a rule must be true, false or an expression',
    ],
    [{ database: { a: { read: null } } }, /database\.a\.read: a rule must be/],
    [
      { database: { a: { read: 'doc.a = 1' } } },
      '/p/rules.json: database.a.read: "doc.a = 1" is not part of the rule language (at character 1)',
    ],
    [
      { database: { a: { read: "get('database._files.1') != null" } } },
      /database\.a\.read: .* reads what is the server’s own/,
    ],
    [
      { storage: { read: "get('database.b.1') != null" } },
      /storage\.read: .* cannot be called here: only rules of collections read other documents/,
    ],
    [
      { storage: { read: '/^photos/.test(resource.path)' } },
      /storage\.read: .* cannot be called here: .*, and what a path has to match is its "path_regex"/,
    ],
    [
      { functions: { f: { invoke: "get('database.b.1') != null" } } },
      /functions\.f\.invoke: .* cannot be called here: only rules of collections read other documents \(/,
    ],
    [{ database: { a: { read: 'request.data.a == 1' } } }, /"request" is unknown: there are auth, doc, now/],
    [{ database: { a: { delete: 'request.data.a == 1' } } }, /"request" is unknown/],
    [{ storage: { read: 'doc.a == 1' } }, /storage\.read: "doc" is unknown: there are auth, resource, now/],
    [{ storage: { create: true } }, /storage\.create: unknown: there are read, write/],
    [{ functions: { f: true } }, /functions\.f: must be an object/],
    [{ functions: { f: {} } }, '/p/rules.json: functions.f: needs "invoke"'],
    [{ functions: { f: { invoke: 'doc.a' } } }, /functions\.f\.invoke: "doc" is unknown/],
  ]
  for (const [json, sentence] of wrong) {
    const told = typeof json === 'string' ? json : JSON.stringify(json)
    expect(() => parse(json), told).toThrow(
      expect.objectContaining({
        code: 'SERVER_CONFIGURATION',
        errMsg: typeof sentence === 'string' ? sentence : expect.stringMatching(sentence),
      }),
    )
  }
})

test('[RULES-3] the version changes with the content', () => {
  const a = parse({ storage: 'READONLY' })
  expect(parse({ storage: 'READONLY' }).version).toBe(a.version)
  expect(parse({ storage: 'PRIVATE' }).version).not.toBe(a.version)
})
