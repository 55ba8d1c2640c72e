import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { compileFunction } from 'node:vm'
import { type MyPhone, WxPhone } from '@nearcloud/miniprogram/testing'
import { build } from 'esbuild'

/** A component of j-component, as far as it is used here. */
export interface Component {
  readonly dom: {
    readonly textContent: string | null
    readonly classList: { contains(name: string): boolean }
  }
  readonly data: Readonly<Record<string, unknown>>
  readonly instance: Record<string, unknown>
  querySelector(selector: string): Component | undefined
  querySelectorAll(selector: string): readonly Component[]
  dispatchEvent(name: string, options?: object): void
  attach(parent: object): void
  detach(): void
}

export interface Runtime {
  register(definition: object): string
  create(id: string): Component
}

type Definition = Record<string, unknown> & { readonly data?: object }

let runtime: Runtime | undefined

/** j-component, and the document it draws in. */
export function componentRuntime(): Runtime {
  if (runtime) return runtime
  const require = createRequire(import.meta.url)
  const { JSDOM } = require('jsdom') as {
    JSDOM: new (html: string, options: object) => { window: Window & typeof globalThis }
  }
  const { window } = new JSDOM('<!doctype html><body></body>', { pretendToBeVisual: true })
  const { document, HTMLElement, Node, Element, Event, CustomEvent } = window
  Object.assign(globalThis, { window, document, HTMLElement, Node, Element, Event, CustomEvent })
  runtime = require('j-component') as Runtime
  const properties = { value: String, src: String, mode: String, placeholder: String }
  for (const id of ['view', 'text', 'button', 'input', 'image'])
    runtime.register({ id, tagName: `wx-${id}`, template: '<slot/>', properties })
  return runtime
}

/** The code of a mini program, as its npm build and its compiler make one script of it. `replaced` holds files by name. */
export async function bundleMini(
  folder: string,
  replaced: Readonly<Record<string, string>>,
): Promise<string> {
  const { pages } = JSON.parse(readFileSync(join(folder, 'app.json'), 'utf8')) as { pages: string[] }
  const { outputFiles } = await build({
    stdin: {
      contents: ['app', ...pages].map(path => `import './${path}.js'`).join('\n'),
      resolveDir: folder,
    },
    bundle: true,
    format: 'iife',
    target: 'es2020',
    conditions: ['source'],
    write: false,
    plugins: [
      {
        name: 'replaced',
        setup(builder) {
          for (const [name, contents] of Object.entries(replaced))
            builder.onLoad({ filter: new RegExp(`/${name.replace('.', '\\.')}$`) }, () => ({ contents }))
        },
      },
    ],
  })
  return outputFiles[0]!.text
}

/** Alipay's page language is WeChat's under other names. */
function wxmlOf(axml: string): string {
  return axml
    .replace(/\ba:(if|for|key)=/g, 'wx:$1=')
    .replace(/\bon([A-Z]\w*)=/g, (_, event: string) => `bind${event.toLowerCase()}=`)
}

/** A page on the screen: what is seen of it, and what a user does to it. */
export class Screen {
  readonly page: Component

  constructor(page: Component) {
    this.page = page
  }

  tap(selector: string, at = 0): void {
    this.page.querySelectorAll(selector)[at]!.dispatchEvent('tap', { bubbles: true })
  }

  type(selector: string, value: string): void {
    const input = this.page.querySelector(selector)!
    input.dispatchEvent('input', { detail: { value } })
    input.dispatchEvent('confirm', { detail: { value } })
  }

  /** The words in each of them. */
  texts(selector: string): readonly string[] {
    return this.page.querySelectorAll(selector).map(({ dom }) => dom.textContent ?? '')
  }

  /** A property of each of them. */
  values(selector: string, name: string): readonly unknown[] {
    return this.page.querySelectorAll(selector).map(({ data }) => data[name])
  }

  /** Whether each of them has this class too. */
  have(selector: string, name: string): readonly boolean[] {
    return this.page.querySelectorAll(selector).map(({ dom }) => dom.classList.contains(name))
  }

  /** Calls what the host calls of a page, where it has it. */
  call(name: string): void {
    const method = this.page.instance[name]
    if (typeof method === 'function') method.call(this.page.instance, {})
  }
}

/** A run of a mini program on a phone, with its first page on the screen. */
export class RunningMini extends Screen {
  constructor(phone: WxPhone | MyPhone, folder: string, script: string) {
    const { pages } = JSON.parse(readFileSync(join(folder, 'app.json'), 'utf8')) as { pages: string[] }
    const components = componentRuntime()
    const definitions: Definition[] = []
    let launch: (() => void) | undefined
    const [name, host] = phone instanceof WxPhone ? ['wx', phone.wx] : ['my', phone.my]
    const run = compileFunction(script, [name, 'App', 'Page'])
    run(
      host,
      (app: { onLaunch?(): void }) => {
        launch = () => app.onLaunch?.()
      },
      (page: Definition) => definitions.push(page),
    )
    const { data, ...methods } = definitions[0]!
    const path = join(folder, pages[0]!)
    const template =
      name === 'wx' ? readFileSync(`${path}.wxml`, 'utf8') : wxmlOf(readFileSync(`${path}.axml`, 'utf8'))
    super(components.create(components.register({ template, data, methods })))
    launch?.()
    this.page.attach(document.createElement('div'))
    this.call('onLoad')
  }

  /** The user goes back, and the page with it. */
  unload(): void {
    this.call('onUnload')
    this.page.detach()
  }
}
