import { networkInterfaces } from 'node:os'
import { join } from 'node:path'
import { createServer, type LogLine, type NearcloudServer } from '@nearcloud/server'
import { banner } from './banner.ts'
import { type Host, UsageError } from './host.ts'
import { isFolder, readProject } from './project.ts'

/** All folders absolute; what is undefined has its default. */
export interface StartOptions {
  readonly version: string
  readonly project: string
  readonly data: string | undefined
  readonly site: string | undefined
  readonly host: string | undefined
  readonly port: number | undefined
  readonly metricsPort: number | undefined
  readonly logForm: 'text' | 'json'
  readonly origins: readonly string[] | undefined
  /** What functions say is said here. */
  readonly tellsFunctions?: boolean
  /** A debugger may look into this function. */
  readonly inspect?: { readonly function: string; readonly port: number }
}

/**
 * Runs the server of a project until someone asks it to stop; resolves with the exit code. Asked a second time, it
 * does not wait for a clean end.
 *
 * Rejects with a UsageError or SERVER_CONFIGURATION when it cannot start.
 */
export async function start(options: StartOptions, host: Host): Promise<number> {
  const project = readProject(options.project)
  const site = options.site ?? project.site
  if (site !== undefined && !isFolder(site))
    throw new UsageError(
      `the site folder ${site} does not exist; build the app first, or name another with --site.`,
    )
  const wechat = project.wechat && { ...project.wechat, secret: wechatSecret(host) }
  const alipay = project.alipay && { ...project.alipay, ...alipayKeys(host) }
  const server = await createServer({
    dataFolder: options.data ?? join(project.folder, '.nearcloud'),
    project: project.folder,
    ...(project.env !== undefined && { env: project.env }),
    ...(site !== undefined && { site }),
    ...(wechat && { wechat }),
    ...(alipay && { alipay }),
    ...(project.passwords && { passwords: project.passwords }),
    ...(project.siteHeaders && { siteHeaders: project.siteHeaders }),
    ...(project.trustedProxies && { trustedProxies: project.trustedProxies }),
    ...(project.rates && { rates: project.rates }),
    ...(project.issuers && { issuers: project.issuers }),
    ...(project.customLogin && { customLogin: project.customLogin }),
    ...(project.history && { history: project.history }),
    ...(project.files && { files: project.files }),
    ...(project.filesOrigin !== undefined && { filesOrigin: project.filesOrigin }),
    ...(options.host !== undefined && { host: options.host }),
    ...(options.port !== undefined && { port: options.port }),
    ...(options.origins !== undefined && { door: { origins: options.origins } }),
    ...(options.inspect && { inspect: options.inspect }),
    ...(options.metricsPort !== undefined && { metrics: { port: options.metricsPort } }),
    log: line =>
      options.logForm === 'json'
        ? reportJson(line, host)
        : report(line, host, options.tellsFunctions === true),
  })
  const { env, dataFolder } = server
  const urls = addressesOf(server, options.host)
  host.out(banner({ version: options.version, project, env, dataFolder, urls, site }, host.hasColours))
  return untilStopped(server, host)
}

/** It is in no file of the project, which others may read. */
function wechatSecret(host: Host): string {
  const secret = host.variable('WECHAT_APP_SECRET')
  if (secret) return secret
  throw new UsageError(
    'nearcloud.json names a mini program ("wechat"), and the environment variable WECHAT_APP_SECRET, its AppSecret, is not set.',
  )
}

/** Likewise. A key in one line, as the tools of Alipay write it, is as good as a PEM. */
function alipayKeys(host: Host): { privateKey: string; alipayPublicKey?: string } {
  const privateKey = host.variable('ALIPAY_PRIVATE_KEY')
  const alipayPublicKey = host.variable('ALIPAY_PUBLIC_KEY')
  if (privateKey) return { privateKey, ...(alipayPublicKey && { alipayPublicKey }) }
  throw new UsageError(
    'nearcloud.json names a mini program ("alipay"), and the environment variable ALIPAY_PRIVATE_KEY, the private key of the application, is not set.',
  )
}

function untilStopped(server: NearcloudServer, host: Host): Promise<number> {
  return new Promise((resolve, reject) => {
    let stopping = false
    const ignore = host.onStopAsked(() => {
      if (stopping) {
        host.err('Stopped without waiting. What was acknowledged is in the data folder.')
        resolve(130)
        return
      }
      stopping = true
      host.out('Stopping … (once more to stop without waiting)')
      server.stop().then(() => {
        host.out('Stopped. Everything is in the data folder.')
        ignore()
        resolve(0)
      }, reject)
    })
  })
}

/** For a server that listens everywhere: this machine's name for itself, then what others call it. */
function addressesOf(server: NearcloudServer, listenOn: string | undefined): readonly string[] {
  if (listenOn !== '0.0.0.0' && listenOn !== '::') return [server.url]
  const others = Object.values(networkInterfaces())
    .flatMap(list => list ?? [])
    .filter(({ family, internal }) => family === 'IPv4' && !internal)
    .map(({ address }) => address)
  return ['localhost', ...others].map(name => `http://${name}:${server.port}`)
}

/** For machines: all that happens. What functions say is not in it: that may be what a document says, and is kept for `nearcloud logs`. */
function reportJson({ level, event, message, facts }: LogLine, host: Host): void {
  if (event === 'function.log') return
  host.err(JSON.stringify({ time: new Date().toISOString(), level, event, message, ...(facts && { facts }) }))
}

function report(line: LogLine, host: Host, tellsFunctions: boolean): void {
  if (tellsFunctions && line.event === 'function.log') {
    const { function: name, requestId } = line.facts ?? {}
    const request = typeof requestId === 'string' ? ` ${requestId.slice(0, 8)}` : ''
    host.out(`[${name}${request}] ${line.message}`)
  } else if (line.event === 'function.inspect') host.out(line.message)
  else if (line.level === 'warn' || line.level === 'error') host.err(`${line.level}: ${line.message}`)
}
