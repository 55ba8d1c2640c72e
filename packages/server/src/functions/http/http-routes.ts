import { CloudError } from '@nearcloud/protocol'
import type { Log } from '../../log-line.ts'
import { misconfigured } from '../function-config.ts'
import type { ServingFunctions } from '../functions.ts'
import { type HttpRoute, readHttpRoutes } from './http-config.ts'

export interface Matched {
  readonly route: HttpRoute
  /** The rest of the path below the route: `/`, or what follows it. */
  readonly path: string
}

/** Which function answers for an address, as the functions' files say now. */
export class HttpRoutes {
  readonly #functions: ServingFunctions
  readonly #log: Log
  #byPath: ReadonlyMap<string, HttpRoute> = new Map()
  #revision = -1

  /** Throws SERVER_CONFIGURATION when a route cannot be used, or two functions want the same. */
  constructor(functions: ServingFunctions, log: Log) {
    this.#functions = functions
    this.#log = log
    this.#build(error => {
      throw error
    })
  }

  /** The function whose route is the longest that the path begins with. A function's changed routes count at once, a new function's soon. */
  match(path: string): Matched | undefined {
    const found = this.#look(path)
    if (found) this.#functions.current(found.route.function)
    else this.#functions.lookAround()
    return this.#functions.revision === this.#revision ? found : this.#look(path)
  }

  #look(path: string): Matched | undefined {
    if (this.#functions.revision !== this.#revision)
      this.#build(error =>
        this.#log({
          level: 'error',
          event: 'function.config',
          message: error.errMsg,
          facts: error.details ?? {},
        }),
      )
    for (let end = path.length; end > 0; end = path.lastIndexOf('/', end - 1)) {
      const route = this.#byPath.get(path.slice(0, end))
      if (route) return { route, path: path.slice(end) || '/' }
    }
    const root = this.#byPath.get('/')
    return root && { route: root, path }
  }

  #build(refuse: (error: CloudError) => void): void {
    const byPath = new Map<string, HttpRoute>()
    for (const code of this.#functions.list())
      try {
        for (const route of readHttpRoutes(code)) {
          const other = byPath.get(route.path)
          if (other)
            throw misconfigured(
              route.file,
              'triggers',
              `wants the path "${route.path}", as ${other.file} does`,
            )
          byPath.set(route.path, route)
        }
      } catch (error) {
        if (!(error instanceof CloudError)) throw error
        refuse(error)
      }
    this.#byPath = byPath
    this.#revision = this.#functions.revision
  }
}
