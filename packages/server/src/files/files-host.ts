import { CloudError } from '@nearcloud/protocol'

/** An origin of their own for files: whatever somebody uploaded, it shares none with the app. */
export class FilesHost {
  /** `https://files.example` */
  readonly origin: string
  readonly #host: string
  readonly #url: () => string

  /** `url`: of the server itself, for whoever is on its machine. Throws SERVER_CONFIGURATION for what is no origin. */
  constructor(origin: string, url: () => string) {
    const parsed = URL.canParse(origin) ? new URL(origin) : undefined
    if (
      !parsed ||
      !/^https?:$/.test(parsed.protocol) ||
      origin.toLowerCase().replace(/\/$/, '') !== parsed.origin
    )
      throw new CloudError('SERVER_CONFIGURATION', {
        errMsg: `filesOrigin: "${origin}" is no origin, like https://files.example`,
      })
    this.origin = parsed.origin
    this.#host = parsed.host
    this.#url = url
  }

  /** Was it asked there? `host` is the header. */
  isAskedBy(host: string | undefined): boolean {
    return host !== undefined && withoutPort(host.toLowerCase(), this.origin) === this.#host
  }

  /** Was it asked at the address the server listens at, as functions do? */
  isOwn(host: string | undefined): boolean {
    return host === new URL(this.#url()).host
  }
}

/** The port of a scheme that some clients say all the same. */
function withoutPort(host: string, origin: string): string {
  return host.replace(origin.startsWith('https:') ? /:443$/ : /:80$/, '')
}
