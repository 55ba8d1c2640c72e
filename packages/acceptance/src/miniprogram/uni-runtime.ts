import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { WxPhone } from '@nearcloud/miniprogram/testing'
import { testFolder } from '../scenario/folder.ts'
import { type Life, moduleLoader, runTool, withPlaceFor } from './mini-modules.ts'
import { componentRuntime, Screen } from './page-runtime.ts'

export const uniExample = resolve(import.meta.dirname, '../../../../examples/todo-uni')

/** What uni-app's own command makes of the example, in a folder that is gone after the test. */
export async function buildUni(host: 'h5' | 'mp-weixin' | 'mp-alipay', endpoint: string): Promise<string> {
  const output = testFolder(`uni-${host}`)
  await runTool(
    uniExample,
    ['node_modules/@dcloudio/vite-plugin-uni/bin/uni.js', 'build', '-p', host, '--outDir', output],
    { HOME: output, ENDPOINT: endpoint },
  )
  return output
}

interface Definition {
  readonly methods: Life
}

/** A run of what uni-app has built for WeChat, on a phone, where there is only the host: with its first page on the screen. */
export class RunningUni extends Screen {
  constructor(phone: WxPhone, folder: string) {
    const { pages } = JSON.parse(readFileSync(resolve(folder, 'app.json'), 'utf8')) as { pages: string[] }
    const components = componentRuntime()
    let app: Life = {}
    let definition: Definition | undefined
    const load = moduleLoader(folder, {
      wx: withPlaceFor(ofUni, phone.wx, askedByUni),
      App(given: Life) {
        app = given
      },
      Page: () => undefined,
      Component(given: Definition) {
        definition = given
      },
      getApp: () => app,
      global: {},
      setTimeout,
      clearTimeout,
    })
    load('app.js')
    app.onLaunch?.({})
    load(`${pages[0]}.js`)
    const template = readFileSync(resolve(folder, `${pages[0]}.wxml`), 'utf8')
    const methods = { ...definition!.methods, handle }
    super(
      components.create(components.register({ ...definition, methods, template: withFixedNames(template) })),
    )
    const { instance } = this.page
    const setData = instance.setData as (data: object, told?: () => void) => void
    Object.assign(instance, {
      route: pages[0],
      // hosts copy what they are told
      setData: (data: object, told?: () => void) =>
        setData.call(instance, JSON.parse(JSON.stringify(data)) as object, told),
    })
    this.page.attach(document.createElement('div'))
    for (const name of ['onLoad', 'onShow', 'onReady']) this.call(name)
  }

  /** The user goes back, and the page with it. */
  unload(): void {
    this.call('onUnload')
    this.page.detach()
  }
}

/** What uni-app keeps on the host's object, or looks for there. */
const ofUni =
  '$vm $onErrorHandlers createApp createPage createComponent createPluginApp createSubpackageApp miniapp shareVideoMessage getLaunchOptionsSync'.split(
    ' ',
  )

/** What it asks the host at its start. */
const askedByUni = {
  getAppBaseInfo: () => ({ SDKVersion: '3.4.0', language: 'zh_CN' }),
  getDeviceInfo: () => ({ platform: 'ios' }),
  getWindowInfo: () => ({ windowWidth: 375 }),
}

/** The component runtime knows names of handlers, and no data that says them. */
function withFixedNames(wxml: string): string {
  return wxml.replace(/bind(\w+)="(\{\{[\w.]+\}\})"/g, 'bind$1="handle" data-$1="$2"')
}

interface HostEvent {
  readonly type: string
  readonly detail: object
  readonly currentTarget: { readonly dataset: Readonly<Record<string, string>> }
}

/** Hosts give plain objects. */
function handle(this: Life, { type, detail, currentTarget: { dataset } }: HostEvent): void {
  const target = { dataset }
  this[dataset[type]!]!({ type, detail, target, currentTarget: target })
}
