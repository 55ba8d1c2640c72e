import { type HttpRequest, type HttpResponse, isBuffer, type Platform, slices } from '@nearcloud/client'
import { type Clock, CloudError, contentTypeOf, toHex } from '@nearcloud/protocol'
import { longMessages } from '@nearcloud/sync'
import { FileStorage } from './file-storage.ts'
import { type Host, hostWords } from './host.ts'
import { ticketByLogin } from './login.ts'
import { createRandom } from './random.ts'
import { SocketTransport } from './socket-transport.ts'
import { hostClock } from './timers.ts'

export interface PlatformOptions {
  /** Default: the host's. */
  readonly clock?: Clock
  /** Is who uses the host the user here? Default yes. */
  isLoginWanted?(): boolean
  /** Carries requests instead of the host. */
  request?(): ((request: HttpRequest) => Promise<HttpResponse>) | undefined
}

/** What a mini program's host gives the client. */
export function miniPlatform(host: Host, options: PlatformOptions = {}): Platform {
  const { files, keys } = host
  const { clock = hostClock } = options
  const random = createRandom(count => host.randomBytes(count))
  const openNames = new Set<string>()
  const hints = new Set<(state: 'online' | 'offline') => void>()
  let shownAt = Number.NEGATIVE_INFINITY
  let hiddenAt = Number.POSITIVE_INFINITY
  let temporary: Promise<string> | undefined

  const hint = (state: 'online' | 'offline') => {
    for (const listener of [...hints]) listener(state)
  }

  const request: Platform['request'] = each => (options.request?.() ?? host.request)(each)

  const pause = slices(
    () => clock.now(),
    () => new Promise(resolve => void clock.after(0, resolve)),
  )

  return {
    name: host.name,
    isWhole: true,
    clock,
    random,
    storage: name => new FileStorage(name, { files, keys, openNames }),
    transport: url =>
      new SocketTransport(url, {
        host,
        clock,
        ended() {
          // the host tells of what broke in the background when it shows the mini program again
          if (clock.now() - shownAt < afterShownMs) hint('online')
        },
      }),
    request,
    pause,
    inPieces: {
      characters: pieceCharacters,
      pause,
      get long() {
        return longMessages // in a file beside the first, which is loaded when it is asked for
      },
    },
    text: async () => (await import('@nearcloud/text/client')).textRuntime,
    ticket: ticketByLogin(host, request, () => options.isLoginWanted?.() ?? true),
    async readFile(file) {
      if (file instanceof Uint8Array) return { bytes: file }
      if (isBuffer(file)) return { bytes: new Uint8Array(file) }
      if (typeof file !== 'string' || file === '')
        throw new CloudError('INVALID_PARAM', {
          errMsg: 'uploadFile:fail filePath is the path of a file of this mini program',
        })
      const contentType = contentTypeOf(file)
      try {
        return { bytes: await files.readBytes(file), ...(contentType && { contentType }) }
      } catch (cause) {
        throw new CloudError('INVALID_PARAM', { errMsg: `uploadFile:fail ${hostWords(cause)}`, cause })
      }
    },
    async saveTemporary(bytes, { name }) {
      temporary ??= emptyFolder(host)
      const path = `${await temporary}/${toHex(random(6))}-${name.replace(/^.*[/\\]/, '').replace(/[^\w.-]/g, '_')}`
      try {
        await files.write(path, bytes)
      } catch (cause) {
        await files.remove(path).catch(() => undefined)
        throw new CloudError('STORE_FULL', {
          errMsg: `the file cannot be kept on this device: ${hostWords(cause)}`,
          cause,
        })
      }
      return path
    },
    onConnectivity(listener) {
      const stops = [
        host.onHide(() => {
          hiddenAt = clock.now()
        }),
        host.onShow(() => {
          shownAt = clock.now()
          // by now the host has cut what was open, whether it has said so or not
          if (shownAt - hiddenAt >= cutAfterMs) listener('offline')
          listener('online')
        }),
        host.onNetwork(isConnected => listener(isConnected ? 'online' : 'offline')),
      ]
      hints.add(listener)
      return () => {
        hints.delete(listener)
        for (const stop of stops) stop()
      }
    },
  }
}

/** Files that were downloaded live as long as the run of the mini program: those of earlier runs go. */
async function emptyFolder({ files }: Host): Promise<string> {
  const folder = `${files.root}/nearcloud-temporary`
  await files.makeFolder(folder)
  for (const name of await files.list(folder)) await files.remove(`${folder}/${name}`)
  return folder
}

/** Read, shown and written in a few milliseconds. */
const pieceCharacters = 65_536
/** Hosts cut sockets when a mini program has been in the background for so long. */
const cutAfterMs = 5_000
const afterShownMs = 10_000
