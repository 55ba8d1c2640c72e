import { BlockList, isIP } from 'node:net'
import { CloudError } from '@nearcloud/protocol'

/**
 * Whose word about the address of somebody else counts: proxies before this server, by their addresses (`10.0.0.5`, `fd00::1`) or their
 * networks (`10.0.0.0/8`). What others say of addresses is passed over.
 */
export class TrustedProxies {
  readonly #trusted = new BlockList()

  /** Throws SERVER_CONFIGURATION for what is neither an address nor a network. */
  constructor(list: readonly string[] = []) {
    for (const each of list) this.#add(each)
  }

  /**
   * The client of a request: the peer, or, where that is a trusted proxy, the last of `x-forwarded-for` that is none. What stands
   * before it anybody may have written.
   */
  clientOf(peer: string, forwarded: string | undefined): string {
    let client = plain(peer)
    if (forwarded === undefined || !this.#isTrusted(client)) return client
    const hops = forwarded.split(',').slice(-mostHops)
    for (const hop of hops.reverse()) {
      const address = plain(withoutPort(hop.trim()))
      if (isIP(address) === 0) return client
      client = address
      if (!this.#isTrusted(client)) return client
    }
    return client
  }

  #isTrusted(address: string): boolean {
    const family = isIP(address)
    return family !== 0 && this.#trusted.check(address, family === 4 ? 'ipv4' : 'ipv6')
  }

  #add(text: string): void {
    const [address = '', bits, ...rest] = String(text).split('/')
    const version = isIP(address)
    const most = version === 4 ? 32 : 128
    const size = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : Number.NaN
    if (version === 0 || rest.length > 0 || !(size <= most))
      throw new CloudError('SERVER_CONFIGURATION', {
        errMsg: `trustedProxies: "${String(text).slice(0, 60)}" is neither an address nor a network like 10.0.0.0/8`,
      })
    this.#trusted.addSubnet(address, size, version === 4 ? 'ipv4' : 'ipv6')
  }
}

/** An address of IPv4 that comes as one of IPv6. */
function plain(address: string): string {
  return /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address)?.[1] ?? address
}

/** Some proxies say `1.2.3.4:5678` or `[fd00::1]:5678`. */
function withoutPort(hop: string): string {
  return /^\[([^\]]*)\](?::\d+)?$/.exec(hop)?.[1] ?? /^(\d+\.\d+\.\d+\.\d+):\d+$/.exec(hop)?.[1] ?? hop
}

const mostHops = 32
