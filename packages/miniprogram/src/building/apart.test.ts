import { compileFunction } from 'node:vm'
import { expect, test } from 'vitest'
import { apart, requiredWhenUsed } from './apart.ts'
import { movableFunctions, scriptOf } from './movable.ts'
import { seldomApart } from './seldom.ts'
import { sentencesApart } from './words.ts'

/** Evaluates `index.js` among other files; tells what is loaded, in order. */
function run(files: Readonly<Record<string, string>>) {
  const loaded: string[] = []
  const modules = new Map<string, { exports: Record<string, unknown> }>()
  const load = (name: string): Record<string, unknown> => {
    const known = modules.get(name)
    if (known) return known.exports
    loaded.push(name)
    const module = { exports: {} }
    modules.set(name, module)
    compileFunction(files[name]!, ['exports', 'module', 'require'])(module.exports, module, (path: string) =>
      load(path.replace('./', '')),
    )
    return module.exports
  }
  return { exports: load('index.js') as Record<string, (...given: unknown[]) => unknown>, loaded }
}

test('[MP-43] what is apart is required when it is first called, and made with new as before', () => {
  const code = `'use strict';
const rooms = require('./rooms.js');
const other = require('./other.js');
exports.make = name => { { const rooms = name; name = rooms } return new rooms.Room(name).name };
exports.say = () => rooms.say(other.word);`
  const rooms =
    'exports.Room = class { constructor(name) { this.name = name } }; exports.say = word => word + "!"'
  const { exports, loaded } = run({
    'index.js': requiredWhenUsed(code),
    'rooms.js': rooms,
    'other.js': 'exports.word = "well"',
  })
  expect(Object.keys(apart)).toContain('rooms')
  expect(loaded).toEqual(['index.js', 'other.js'])
  expect([exports.make!('a'), exports.say!(), exports.make!('b')]).toEqual(['a', 'well!', 'b'])
  expect(loaded).toEqual(['index.js', 'other.js', 'rooms.js'])
})

test('[MP-43] the build is refused where the beginning itself needs what is apart', () => {
  const heir = "const rooms = require('./rooms.js'); class Hall extends rooms.Room {}"
  expect(() => requiredWhenUsed(heir)).toThrow('the beginning itself uses rooms.Room')
})

test('[MP-43] sentences come from a file of their own when they are said, with what is in their gaps', () => {
  const code = `"use strict";
const top = 'a sentence of the beginning';
exports.top = () => top;
exports.plain = () => 'nothing of it is there';
exports.gaps = (a, b) => \`there is no \${a} in \${b.map(each => \`the whole list of \${each}\`)}\`;
exports.pick = kind => { switch (kind) {case'one of two kinds': return 1} return typeof this };
exports.short = () => ({ 'a key with blanks': 'a b', other: \`\\\`\${1}\\\` is not a number\` });`
  const { code: left, words } = sentencesApart(code)
  expect(left).not.toContain('nothing of it')
  expect(left).not.toContain('the whole list of')
  const whole = run({ 'index.js': code }).exports
  const { exports, loaded } = run({ 'index.js': left, 'words.js': words })
  expect(exports.top!()).toBe('a sentence of the beginning')
  expect(loaded).toEqual(['index.js'])
  for (const [name, given] of [
    ['plain', []],
    ['gaps', ['x', ['y', 'z']]],
    ['pick', ['one of two kinds']],
    ['pick', ['another']],
    ['short', []],
  ] as const)
    expect(exports[name]!(...given), name).toEqual(whole[name]!(...given))
  expect(loaded).toEqual(['index.js', 'words.js'])
  expect(left.startsWith('"use strict"')).toBe(true)
})

const padding =
  '/* so long that it is worth being in another file, which is so from a hundred characters on. */'
const quarrel = `'use strict';
let count = 0;
const named = name => 'the ' + name;
class Base { tell() { return 'base' } }
class Door extends Base {
  constructor() { super(); this.is = 'shut' }
  open(a, b = named('key')) { ${padding} return [this.is, a, b, Door.name, arguments.length, named(a)] }
  async later(a) { ${padding} return [this.is, await a] }
  *each(n) { ${padding} for (let i = 0; i < n; i++) yield i }
  tell() { ${padding} return super.tell() + named('heir') }
  get state() { ${padding} return this.is + named('state') }
  bump() { ${padding} return ++count }
}
function twice(text) { ${padding} return typeof this + text + text + named('end') }
function counts() { ${padding} return count }
exports.door = () => new Door();
exports.twice = twice;
exports.counts = counts;`

test('[MP-43] functions that are seldom called are in another file, and do and are given the same', async () => {
  expect(movableFunctions(scriptOf(quarrel)).map(({ name }) => name)).toEqual([
    'named',
    'Base.tell',
    'Door.open',
    'Door.later',
    'Door.each',
    'twice',
  ])
  const { code, seldom } = seldomApart(quarrel, () => true)
  const told = async (exports: ReturnType<typeof run>['exports']) => {
    const door = exports.door!() as Record<string, (...given: unknown[]) => unknown>
    const { twice } = exports
    return [
      door.open!('x'),
      door.open!('x', 'y', 'z'),
      await door.later!(Promise.resolve(3)),
      [...(door.each!(3) as Iterable<number>)],
      door.tell!(),
      door.state,
      door.bump!(),
      twice!('ab'),
      exports.counts!(),
    ]
  }
  const { exports, loaded } = run({ 'index.js': code, 'seldom.js': seldom })
  expect(loaded).toEqual(['index.js'])
  const before = await told(run({ 'index.js': quarrel }).exports)
  expect(before).toContain('undefinedababthe end')
  expect(await told(exports)).toEqual(before)
  expect(loaded).toEqual(['index.js', 'seldom.js'])
})

test('[MP-43] what is called often stays where it is', () => {
  const { code, seldom } = seldomApart(quarrel, name => name === 'twice')
  expect(code).toContain('async later(a) { /*')
  expect(seldom.match(/function/g)).toHaveLength(1)
})

const inner = `'use strict';
const limit = { most: 3 };
const alone = new Set(['a', 'b']);
class Only { has(x) { return alone.has(x) } }
function helper(x) { return new Only().has(x) }
exports.make = function make(start) {
  let count = start;
  const factor = 10;
  const nextOf = n => { ${padding} return n > 0 ? n * factor + nextOf(n - 1) : limit.most }
  function reads() { ${padding} return count }
  const who = () => { ${padding} return this.name }
  return {
    name: 'made',
    nextOf,
    reads,
    who: who,
    "a key"() { ${padding} return [this.name, factor, helper('a')] },
    async later(...all) { ${padding} return [this.name, factor, await all[0]] },
    grow() { count++; if (count > limit.most) throw Object.assign(new Error('it has grown to more than it may'), { count, by: this.name, limit: limit.most }) },
    async refuse(given) { if (given) throw Object.assign(new Error('what was given later is not wanted here'), { is: await given }); count++ },
  }
}
class Shop {
  static open(x) { ${padding} return [this.name, x] }
  *[Symbol.iterator]() { ${padding} yield 1 }
}
exports.shop = x => [Shop.open(x), ...new Shop()];`

test('[MP-43] of functions inside of others, those are elsewhere for which nothing around them changes', async () => {
  const { code, seldom } = seldomApart(inner, () => true)
  const whole = run({ 'index.js': inner }).exports
  const { exports, loaded } = run({ 'index.js': code, 'seldom.js': seldom })
  expect(loaded).toEqual(['index.js'])
  const told = async ({ make, shop }: typeof exports) => {
    const made = make!.call({ name: 'maker' }, 2) as Record<string, (...given: unknown[]) => unknown>
    const thrown = [made.grow!(), made.reads!()]
    try {
      made.grow!()
    } catch (error) {
      thrown.push(String(error), { ...(error as object) })
    }
    const late = await (made.refuse!(Promise.resolve(7)) as Promise<unknown>).catch(error => ({ ...error }))
    const later = await made.later!(Promise.resolve(1), 2)
    return [made.nextOf!(2), made.reads!(), made.who!(), made['a key']!(), later, thrown, late, shop!('x')]
  }
  const before = await told(whole)
  expect(before[0]).toBe(33)
  expect(before[5]).toContainEqual({ count: 4, by: 'made', limit: 3 })
  expect(await told(exports)).toEqual(before)
  expect(code).toMatch(/function reads\(\) { \/\*/)
  expect(code).toMatch(/const who = \(\) => { \/\*/)
  expect(code).toContain('is: await given')
  expect(code).not.toContain('it has grown')
})

test('[MP-43] what nobody but the other file uses is there alone', () => {
  const { code, seldom } = seldomApart(inner, () => true)
  for (const name of ['alone', 'Only', 'helper']) {
    expect(code).not.toContain(name)
    expect(seldom).toMatch(new RegExp(`(const|class|function) ${name}\\b`))
  }
  expect(code).toContain('const limit')
})
