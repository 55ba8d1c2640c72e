import { readFileSync } from 'node:fs'
import { relative, resolve } from 'node:path'
import { MiniPage, type MyPhone, WxPhone } from '@nearcloud/miniprogram/testing'
import { testFolder } from '../scenario/folder.ts'
import { type Life, moduleLoader, runTool, withPlaceFor } from './mini-modules.ts'

export const taroExample = resolve(import.meta.dirname, '../../../../examples/todo-taro')

/** What Taro's own command makes of the example, in a folder that is gone after the test. */
export async function buildTaro(host: 'weapp' | 'alipay', endpoint: string): Promise<string> {
  const output = testFolder(`taro-${host}`)
  await runTool(
    taroExample,
    ['node_modules/@tarojs/cli/bin/taro', 'build', '--type', host, '--disable-global-config'],
    { HOME: output, ENDPOINT: endpoint, OUTPUT: relative(taroExample, output) },
  )
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

/** A run of what Taro has built, on a phone, where there is only the host: with its first page on the screen. */
export class RunningTaro {
  readonly #template: string
  readonly #page: MiniPage & Life

  constructor(phone: WxPhone | MyPhone, folder: string) {
    const isWeChat = phone instanceof WxPhone
    this.#template = readFileSync(resolve(folder, isWeChat ? 'base.wxml' : 'base.axml'), 'utf8')
    const { pages } = JSON.parse(readFileSync(resolve(folder, 'app.json'), 'utf8')) as { pages: string[] }
    let app: Life = {}
    let definition: Life & { data?: object } = {}
    const shown: unknown[] = []
    const load = moduleLoader(folder, {
      ...(isWeChat ? { wx: phone.wx } : { my: withPlaceFor(['taroEventCenter'], phone.my), navigator: {} }),
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
