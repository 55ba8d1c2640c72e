import { type Clock, CloudError, type RandomBytes } from '@nearcloud/protocol'
import { MemoryMedium, MemoryStorage, seededRandom } from '@nearcloud/store/testing'
import { LocalPair, type TestRig } from '@nearcloud/sync/testing'
import type { Access, HttpRequest, HttpResponse, Platform } from '../platform.ts'

/** A host in memory: its media outlive the clouds on it, its network can be cut, and what it saved can be looked at. */
export class MemoryPlatform implements Platform {
  readonly name = 'memory'
  readonly clock: Clock
  readonly random: RandomBytes
  readonly media = new Map<string, MemoryMedium>()
  readonly network: LocalPair
  /** By the address they were given. */
  readonly saved = new Map<string, { bytes: Uint8Array; name: string; contentType: string }>()
  readonly #http: (request: HttpRequest) => Promise<HttpResponse>
  #connectivity: ((state: 'online' | 'offline') => void) | undefined

  constructor(
    rig: TestRig,
    http: (request: HttpRequest) => Promise<HttpResponse>,
    seed = 1,
    clock: Clock = rig.clock,
  ) {
    this.clock = clock
    this.random = seededRandom(seed)
    this.network = new LocalPair({ accept: rig.server.accept, clock: rig.clock })
    this.#http = http
  }

  storage(name: string, access?: Access): MemoryStorage {
    return new MemoryStorage(this.medium(name), { ...(access && { access }) })
  }

  /** What is under a storage's name. */
  medium(name: string): MemoryMedium {
    const medium = this.media.get(name) ?? new MemoryMedium()
    this.media.set(name, medium)
    return medium
  }

  transport(): LocalPair['transport'] {
    return this.network.transport
  }

  request(request: HttpRequest): Promise<HttpResponse> {
    // what answers here knows files; where no socket opens there is no other way either
    if (request.url.endsWith('/sync/poll'))
      return Promise.reject(new CloudError('OFFLINE', { errMsg: 'no answer' }))
    return this.#http(request)
  }

  async readFile(file: unknown): Promise<{ bytes: Uint8Array; contentType?: string }> {
    return file as { bytes: Uint8Array; contentType?: string }
  }

  async saveTemporary(bytes: Uint8Array, options: { name: string; contentType: string }): Promise<string> {
    const address = `memory:${this.saved.size + 1}/${options.name}`
    this.saved.set(address, { bytes: bytes.slice(), ...options })
    return address
  }

  onConnectivity(listener: (state: 'online' | 'offline') => void): () => void {
    this.#connectivity = listener
    return () => {
      this.#connectivity = undefined
    }
  }

  /** The host hints. */
  hint(state: 'online' | 'offline'): void {
    this.#connectivity?.(state)
  }

  /** The process that used it is gone. */
  restart(): void {
    this.network.cut()
    for (const medium of this.media.values()) medium.restart()
  }
}
