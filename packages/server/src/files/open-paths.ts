import { CloudError } from '@nearcloud/protocol'
import type { Environment } from '../commit/environment.ts'

/**
 * Paths whose files everybody may read, whatever the rules say: functions open them (`openapi.cloudbase.addPermission`).
 * In a path `*` is any text without a slash, `**` any text.
 */
export class OpenPaths {
  readonly #place: Pick<Environment, 'engine' | 'env'>
  #paths: readonly string[]

  private constructor(place: Pick<Environment, 'engine' | 'env'>, paths: readonly string[]) {
    this.#place = place
    this.#paths = paths
  }

  static async open(place: Pick<Environment, 'engine' | 'env'>): Promise<OpenPaths> {
    const text = await place.engine.readState(place.env, stateKey)
    return new OpenPaths(place, text === undefined ? [] : (JSON.parse(text) as string[]))
  }

  get list(): readonly string[] {
    return this.#paths
  }

  has(path: string): boolean {
    return this.#paths.some(open => matches(open, path))
  }

  /** Durable when it resolves. Throws INVALID_PARAM for what is no path, or when there are too many. */
  async add(paths: readonly unknown[]): Promise<void> {
    const all = [...new Set([...this.#paths, ...paths.map(checked)])]
    if (all.length > mostPaths) throw refused(`at most ${mostPaths} paths are opened`)
    await this.#keep(all)
  }

  async remove(paths: readonly unknown[]): Promise<void> {
    const gone = new Set(paths.map(checked))
    await this.#keep(this.#paths.filter(path => !gone.has(path)))
  }

  async #keep(paths: readonly string[]): Promise<void> {
    const { engine, env } = this.#place
    this.#paths = paths
    await engine.writeState(env, stateKey, JSON.stringify(paths))
  }
}

/** Without the slash that the original's begin with. */
function checked(path: unknown): string {
  const text = typeof path === 'string' ? path.replace(/^\//, '') : ''
  if (text === '' || text.length > 256 || text.split('*').length > 17 || text.includes('***'))
    throw refused('resource.path is a list of paths such as "/images/public/*"')
  return text
}

/** In steps that are bounded by both lengths. */
function matches(open: string, path: string): boolean {
  const parts = open.split(/(\*\*?)/).filter(part => part !== '')
  let ends = new Set([0])
  for (const part of parts) {
    const next = new Set<number>()
    for (const at of ends) {
      if (!part.startsWith('*')) {
        if (path.startsWith(part, at)) next.add(at + part.length)
        continue
      }
      for (let end = at; end <= path.length; end++) {
        next.add(end)
        if (part === '*' && path[end] === '/') break
      }
    }
    ends = next
  }
  return ends.has(path.length)
}

function refused(errMsg: string): CloudError {
  return new CloudError('INVALID_PARAM', { errMsg })
}

const stateKey = 'files/open-paths'
const mostPaths = 100
