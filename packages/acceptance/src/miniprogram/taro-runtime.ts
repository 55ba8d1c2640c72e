import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { posix, relative, resolve } from 'node:path'
import { createContext, runInContext } from 'node:vm'
import { MiniPage, type MyPhone, WxPhone } from '@nearcloud/miniprogram/testing'
import { testFolder } from '../scenario/folder.ts'

export const taroExample = resolve(import.meta.dirname, '../../../../examples/todo-taro')

/** What Taro's own command makes of the example, in a folder that is gone after the test. */
export async function buildTaro(host: 'weapp' | 'alipay', endpoint: string): Promise<string> {
  const output = testFolder(`taro-${host}`)
  const words = ['node_modules/@tarojs/cli/bin/taro', 'build', '--type', host, '--disable-global-config']
  const child = spawn(process.execPath, words, {
    cwd: taroExample,
    env: { PATH: process.env.PATH, HOME: output, ENDPOINT: endpoint, OUTPUT: relative(taroExample, output) },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const said: Buffer[] = []
  child.stdout.on('data', part => said.push(part))
  child.stderr.on('data', part => said.push(part))
  const code = await new Promise(ended => child.on('close', ended))
  if (code !== 0) throw new Error(`taro build ended with ${code}: ${Buffer.concat(said)}`)
  return output
}

/** An element as Taro tells it to the page: `cl` its classes, `cn` what is in it, `v` the words of a text, `nn` which template draws it. */
interface Element {
  readonly sid: string
  readonly cl?: string
  readonly cn?: readonly Element[]
  readonly v?: string
  readonly [property: string]: unknown
}

type Life = Readonly<Record<string, ((this: unknown, ...given: unknown[]) => unknown) | undefined>>

/** A run of what Taro has built, on a phone, where there is only the host: with its first page on the screen. */
export class RunningTaro {
  readonly #folder: string
  readonly #template: string
  readonly #page: MiniPage & Life

  constructor(phone: WxPhone | MyPhone, folder: string) {
    this.#folder = folder
    const isWeChat = phone instanceof WxPhone
    this.#template = readFileSync(resolve(folder, isWeChat ? 'base.wxml' : 'base.axml'), 'utf8')
    const { pages } = JSON.parse(readFileSync(resolve(folder, 'app.json'), 'utf8')) as { pages: string[] }
    let app: Life = {}
    let definition: Life & { data?: object } = {}
    const shown: unknown[] = []
    const load = this.#loader({
      ...(isWeChat ? { wx: phone.wx } : { my: withPlaceForTaro(phone.my), navigator: {} }),
      App: (given: Life) => {
        app = given
      },
      Page: (given: Life) => {
        definition = given
      },
      Component: () => undefined,
      getApp: () => app,
      getCurrentPages: () => shown,
      global: {},
      setTimeout,
      clearTimeout,
    })
    load('app.js')
    app.onLaunch?.({ path: pages[0], query: {}, scene: 1001 })
    app.onShow?.({ path: pages[0], query: {}, scene: 1001 })
    load(`${pages[0]}.js`)
    const { data, ...methods } = definition
    this.#page = Object.assign(new MiniPage({ ...data }), methods) as MiniPage & Life
    Object.assign(this.#page, { route: pages[0] })
    shown.push(this.#page)
    for (const step of ['onLoad', 'onShow', 'onReady']) this.#page[step]?.call(this.#page, {})
  }

  /** The words in each of this class. */
  texts(name: string): readonly string[] {
    return this.#all(name).map(wordsOf)
  }

  /** Which classes each of this class has. */
  classes(name: string): readonly string[] {
    return this.#all(name).map(({ cl = '' }) => cl)
  }

  /** The addresses of pictures. */
  sources(name: string): readonly unknown[] {
    // Taro gives properties short names, and its template says which
    const property = /<image[^>]* src="\{\{i\.(\w+)/.exec(this.#template)![1]!
    return this.#all(name).map(element => element[property])
  }

  tap(name: string, at = 0): void {
    this.#tell(name, at, 'tap', {})
  }

  type(name: string, value: string): void {
    this.#tell(name, 0, 'input', { value })
    this.#tell(name, 0, 'confirm', { value })
  }

  /** The user goes back, and the page with it. */
  unload(): void {
    this.#page.onUnload?.call(this.#page)
  }

  /** As a host loads modules: by relative paths, each once, in a context that has `globals` and ECMAScript. */
  #loader(globals: object): (path: string) => unknown {
    const context = createContext(Object.assign(Object.create(null), globals), {
      codeGeneration: { strings: false, wasm: false },
    })
    const modules = new Map<string, { exports: unknown }>()
    const load = (path: string): unknown => {
      const known = modules.get(path)
      if (known) return known.exports
      const module = { exports: {} }
      modules.set(path, module)
      const code = readFileSync(resolve(this.#folder, path), 'utf8')
      const wrapped = `(function (exports, module, require) {${code}\n})`
      runInContext(wrapped, context, { filename: path })(module.exports, module, (wanted: string) =>
        load(posix.join(posix.dirname(path), wanted)),
      )
      return module.exports
    }
    return load
  }

  #all(name: string): readonly Element[] {
    const found: Element[] = []
    const look = (element: Element) => {
      if (element.cl?.split(' ').includes(name)) found.push(element)
      for (const inside of element.cn ?? []) look(inside)
    }
    const { root } = this.#page.data as { root?: Element }
    if (root) look(root)
    return found
  }

  /** Taro's templates bring every event of every element to one function of the page. */
  #tell(name: string, at: number, type: string, detail: object): void {
    const { sid } = this.#all(name)[at]!
    const target = { id: sid, dataset: { sid } }
    this.#page.eh!.call(this.#page, { type, detail, target, currentTarget: target, timeStamp: 1 })
  }
}

function wordsOf({ v = '', cn = [] }: Element): string {
  return v + cn.map(wordsOf).join('')
}

/** Taro keeps something of its own on Alipay's object. */
function withPlaceForTaro<My extends object>(my: My): My {
  let kept: unknown
  return new Proxy(my, {
    get: (target, key) => (key === 'taroEventCenter' ? kept : Reflect.get(target, key)),
    set(_, key, value) {
      if (key === 'taroEventCenter') kept = value
      return key === 'taroEventCenter'
    },
  })
}
