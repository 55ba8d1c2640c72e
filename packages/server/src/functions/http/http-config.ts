import { join } from 'node:path'
import { isRecord, misconfigured } from '../function-config.ts'
import type { FunctionCode } from '../warm-function.ts'

/** An address under which a function answers HTTP requests. */
export interface HttpRoute {
  readonly function: string
  /** The file that declares it. */
  readonly file: string
  /** Begins with `/`, ends with none but the root's: requests for it and for everything below it come here. */
  readonly path: string
  readonly methods: ReadonlySet<string>
  /** Whether only who signed in may come, and whom the rule for `invoke` lets. */
  readonly auth: boolean
  /** Web pages of other origins that may ask: all, some, or none. */
  readonly cors: 'any' | ReadonlySet<string>
  /** Whether the function reads the body as it comes, instead of getting it whole. */
  readonly streamsBody: boolean
}

/** The HTTP triggers of a function's `config.json`. Throws SERVER_CONFIGURATION naming the file and the place. */
export function readHttpRoutes({ folder, config }: FunctionCode): readonly HttpRoute[] {
  const file = join(folder.path, 'config.json')
  return config.triggers.flatMap((declared, at) => {
    if (!isRecord(declared) || declared.type !== 'http') return []
    const place = `triggers[${at}].config`
    const { config: route } = declared
    if (!isRecord(route)) throw misconfigured(file, place, 'must be an object: {"path": "/…"}')
    for (const name of Object.keys(route))
      if (!known.has(name))
        throw misconfigured(file, `${place}.${name}`, 'is not a setting of an HTTP trigger')
    return {
      function: folder.name,
      file,
      path: pathOf(file, `${place}.path`, route.path),
      methods: methodsOf(file, `${place}.methods`, route.methods),
      auth: booleanOf(file, `${place}.auth`, route.auth),
      cors: corsOf(file, `${place}.cors`, route.cors),
      streamsBody: booleanOf(file, `${place}.streamBody`, route.streamBody),
    }
  })
}

const known = new Set(['path', 'methods', 'auth', 'cors', 'streamBody'])
export const httpMethods = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const
/** What the server answers itself. */
const ours = ['cloud', 'sync', 'files', 'functions', 'health', 'metrics', 'y', 'operator']
const pathForm = /^(?:\/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+$/

function pathOf(file: string, place: string, path: unknown): string {
  if (path === '/') return path
  if (typeof path !== 'string' || path.length > 256 || !pathForm.test(path))
    throw misconfigured(file, place, 'must be "/" or a path like "/api/users", of letters, digits and "-._~"')
  const [, first] = path.split('/')
  if (ours.includes(first!))
    throw misconfigured(file, place, `begins with "/${first}", which is the server's own`)
  return path
}

function methodsOf(file: string, place: string, methods: unknown): ReadonlySet<string> {
  if (methods === undefined) return new Set(httpMethods)
  const isMethod = (method: unknown) => httpMethods.some(each => each === method)
  if (Array.isArray(methods) && methods.length > 0 && methods.every(isMethod)) return new Set(methods)
  throw misconfigured(file, place, `must be a list of ${httpMethods.map(each => `"${each}"`).join(', ')}`)
}

function corsOf(file: string, place: string, cors: unknown): HttpRoute['cors'] {
  if (cors === undefined || cors === false) return new Set()
  if (cors === true) return 'any'
  const isOrigin = (origin: unknown) => typeof origin === 'string' && /^https?:\/\/[^/\s,*]+$/.test(origin)
  if (Array.isArray(cors) && cors.length > 0 && cors.every(isOrigin)) return new Set<string>(cors)
  throw misconfigured(file, place, 'must be true, false, or a list of origins as in "https://app.example"')
}

function booleanOf(file: string, place: string, value: unknown): boolean {
  if (value === undefined || typeof value === 'boolean') return value ?? false
  throw misconfigured(file, place, 'must be true or false')
}
