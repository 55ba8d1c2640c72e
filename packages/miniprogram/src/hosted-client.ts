import { type Cloud, createCloud, type InitOptions, type Platform } from '@nearcloud/client'
import { type Clock, CloudError } from '@nearcloud/protocol'
import { type Bindable, type Binding, type BindOptions, type BoundPage, bind } from './bind.ts'
import type { Host } from './host.ts'
import { miniPlatform } from './platform.ts'
import type { Tunnel } from './tunnel.ts'

export interface MiniInitOptions extends InitOptions {
  /** Carries requests, for who has no registered domain. There are no sockets in it, so it needs no `endpoint`. */
  readonly tunnel?: Tunnel
  /**
   * `host` (default): who uses WeChat, or Alipay, is the user, where the server can ask the host's own; `none`: anonymous until the app
   * signs somebody in.
   */
  readonly login?: 'host' | 'none'
}

/** The client of a mini program, before anything is said in the words of its host. */
export interface HostedClient {
  readonly client: Cloud
  /** Throws INVALID_PARAM, also where no mini program is. */
  init(options?: MiniInitOptions): void
  /**
   * Makes `cloud` the `cloud` of the host's object. `options`: what `init` takes where its caller does not say it. Throws INVALID_PARAM
   * where the host keeps its own.
   */
  install(host: object, cloud: object, options?: MiniInitOptions): void
  bind(page: BoundPage, bindables: Readonly<Record<string, Bindable>>, options?: BindOptions): Binding
}

/** On the host that `findHost` finds; it is looked for when `init` is called. */
export function hostedClient(findHost: () => Host, clock: Clock): HostedClient {
  let tunnel: Tunnel | undefined
  let isLoginWanted = true
  let assumed: MiniInitOptions = {}
  let platform: Platform | undefined
  const found = () => {
    platform ??= miniPlatform(findHost(), {
      clock,
      isLoginWanted: () => isLoginWanted,
      request: () => tunnel && (each => tunnel!.request(each)),
    })
    return platform
  }
  const client = createCloud(latePlatform(found, clock))
  return {
    client,
    init(said) {
      const { tunnel: given, login = 'host', ...options } = { ...assumed, ...said }
      found()
      if (login !== 'host' && login !== 'none')
        throw new CloudError('INVALID_PARAM', { errMsg: 'init:fail login is one of host, none' })
      tunnel = given
      isLoginWanted = login === 'host'
      client.init(given ? { endpoint: throughTunnel, transport: 'polling', ...options } : options)
    },
    install(host, cloud, options = {}) {
      installInto(host, cloud)
      assumed = options
    },
    bind: (page, bindables, options = {}) =>
      bind(page, bindables, options, listener => client.on('userChanged', listener)),
  }
}

function installInto(host: object, cloud: object): void {
  try {
    Object.defineProperty(host, 'cloud', { value: cloud, configurable: true, enumerable: true })
  } catch {
    // looked at below
  }
  if ((host as { cloud?: unknown }).cloud !== cloud)
    throw new CloudError('INVALID_PARAM', {
      errMsg:
        'install:fail this host keeps its own cloud object: import cloud from this package, and say cloud where the code said wx.cloud or my.cloud',
    })
}

/** A platform that is looked for when it is first used. */
function latePlatform(find: () => Platform, clock: Clock): Platform {
  return {
    get name() {
      return find().name
    },
    clock,
    isWhole: true,
    random: size => find().random(size),
    storage: name => find().storage(name),
    transport: url => find().transport(url),
    request: request => find().request(request),
    pause: () => find().pause!(),
    get inPieces() {
      return find().inPieces!
    },
    readFile: file => find().readFile(file),
    saveTemporary: (bytes, options) => find().saveTemporary(bytes, options),
    text: () => find().text!(),
    ticket: server => find().ticket!(server),
    onConnectivity: listener => find().onConnectivity!(listener),
  }
}

/** Never resolved: the tunnel takes the path. */
const throughTunnel = 'https://tunnel.invalid'
