import type { HttpRequest, HttpResponse } from '@nearcloud/client/testing'
import { CloudError, type Millis } from '@nearcloud/protocol'
import type { Dice } from '../scenario/dice.ts'
import type { Fault } from './faults.ts'
import type { Lane, Owner, Schedule } from './schedule.ts'

/** Who answers HTTP requests: a server process that runs; undefined while there is none. */
export interface Answering {
  readonly owner: Owner
  answer(request: Request): Promise<Response>
}

export interface ExchangesOptions {
  readonly schedule: Schedule
  readonly dice: Dice
  readonly server: () => Answering | undefined
  readonly count: (fault: Fault) => void
  /** Sees every answer when it is sent. */
  readonly inspect: (request: HttpRequest, status: number, body: Uint8Array) => void
}

/** What may happen to bytes on their way to the server. */
export type Trouble = 'cut' | 'answer lost' | 'twice' | 'silent'

/** Of parts of files, and of calls of functions. */
const faultOf: Readonly<Record<'PUT' | 'POST', Readonly<Record<Trouble, Fault>>>> = {
  PUT: {
    cut: 'upload cut',
    'answer lost': 'answer to an upload lost',
    twice: 'upload arrives twice',
    silent: 'upload falls silent',
  },
  POST: {
    cut: 'call cut',
    'answer lost': 'answer to a call lost',
    twice: 'call arrives twice',
    silent: 'call falls silent',
  },
}

/** HTTP between devices and the server: bodies go in pieces, and what carries them breaks at any of these. */
export class Exchanges {
  readonly #options: ExchangesOptions
  readonly #open = new Set<Exchange>()
  #count = 0
  /** What happens to the next uploads, and to the next calls. */
  #troubles: Record<'PUT' | 'POST', Trouble[]> = { PUT: [], POST: [] }

  constructor(options: ExchangesOptions) {
    this.#options = options
  }

  /** The next of these that nothing was planned for is not carried as it should be. */
  plan(method: 'PUT' | 'POST', trouble: Trouble): void {
    const planned = this.#troubles[method]
    if (planned.length < 3) planned.push(trouble)
  }

  /** Nothing is planned any more. */
  clearTroubles(): void {
    this.#troubles = { PUT: [], POST: [] }
  }

  /** One exchange of this process. Rejects with OFFLINE when there was no answer. */
  request(device: Owner, request: HttpRequest): Promise<HttpResponse> {
    const { schedule } = this.#options
    const name = `${device.name}#${++this.#count}`
    const exchange = new Exchange(this.#options, {
      ...{ name, device, request },
      up: schedule.lane(`${name} up`),
      down: schedule.lane(`${name} down`),
      trouble: bodied.has(request.method)
        ? this.#troubles[request.method as 'PUT' | 'POST'].shift()
        : undefined,
      over: () => {
        this.#open.delete(exchange)
        schedule.close(exchange.up)
        schedule.close(exchange.down)
      },
    })
    this.#open.add(exchange)
    return exchange.answer
  }

  /** The process is gone, at either end. */
  died(owner: Owner): void {
    for (const exchange of [...this.#open]) exchange.endDied(owner)
  }
}

interface ExchangeParts {
  readonly name: string
  readonly device: Owner
  readonly request: HttpRequest
  readonly up: Lane
  readonly down: Lane
  readonly trouble: Trouble | undefined
  over(): void
}

/** One request and its answer. */
export class Exchange {
  readonly up: Lane
  readonly down: Lane
  readonly answer: Promise<HttpResponse>
  readonly #options: ExchangesOptions
  readonly #parts: ExchangeParts
  #server: Owner | undefined
  #isCut = false
  #isSilent = false
  #body: ReadableStreamDefaultController<Uint8Array> | undefined
  #resolve!: (response: HttpResponse) => void
  #reject!: (error: CloudError) => void

  constructor(options: ExchangesOptions, parts: ExchangeParts) {
    this.#options = options
    this.#parts = parts
    this.up = parts.up
    this.down = parts.down
    this.answer = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    const { device, request } = parts
    const { schedule, dice } = options
    this.up.push(`${request.method} ${request.url.slice(0, 40)}`, () => this.#begin())
    const bytes = bytesOf(request)
    if (bytes.length > 0) {
      const middle = dice.below(bytes.length)
      const pieces = [bytes.subarray(0, middle), bytes.subarray(middle)].filter(({ length }) => length > 0)
      for (const piece of pieces) this.up.push(`${piece.length} bytes`, () => this.#body?.enqueue(piece))
    }
    if (bodied.has(request.method)) this.up.push('(end)', () => this.#endBody())
    this.#begins()
    const giveUp = schedule
      .clockOf(device, () => 0)
      .after(Math.min(request.timeoutMs, hostMs), () => this.#fail())
    this.answer.then(giveUp, giveUp)
  }

  #begins(): void {
    const { dice, count } = this.#options
    const { trouble } = this.#parts
    if (trouble && trouble !== 'answer lost') count(this.#faultOf(trouble))
    if (trouble === 'cut') this.cut(dice.below(this.up.length + 1))
    if (trouble === 'twice') this.#repeat()
    if (trouble !== 'silent') return
    this.up.truncate(dice.below(this.up.length + 1))
    this.up.push('(silence)', () => {
      this.#isSilent = true
      this.down.truncate(0)
    })
  }

  #faultOf(trouble: Trouble): Fault {
    return faultOf[this.#parts.request.method as 'PUT' | 'POST'][trouble]
  }

  /** Breaks: only the first so many pieces on their way still arrive. */
  cut(keepUp: number): void {
    if (this.#isCut || this.#isSilent) return
    this.#isCut = true
    this.up.truncate(keepUp)
    this.down.truncate(0)
    this.up.push('(cut)', () => {
      this.#breakBody()
      this.#mayBeOver()
    })
    this.down.push('(cut)', () => this.#fail())
  }

  /** All of it arrives once more, as from a relay that had no answer. */
  #repeat(): void {
    const { request } = this.#parts
    this.up.push(`${request.method} again`, () => {
      const bytes = bytesOf(request)
      const body = new ReadableStream<Uint8Array>({
        start(controller) {
          if (bytes.length > 0) controller.enqueue(bytes)
          controller.close()
        },
      })
      const current = this.#options.server()
      if (current === undefined || this.#isCut) return
      void current.answer(requestOf(request, body)).then(async response => {
        this.#options.inspect(request, response.status, new Uint8Array(await response.arrayBuffer()))
      })
    })
  }

  endDied(owner: Owner): void {
    const { device } = this.#parts
    if (owner === device) {
      this.cut(this.#options.dice.below(this.up.length + 1))
      this.#isCut = true
      this.down.truncate(0)
      if (this.up.length === 0 || this.#isSilent) this.#parts.over()
    } else if (owner === this.#server) {
      this.#body = undefined
      this.#server = undefined
      this.cut(0)
    }
  }

  #begin(): void {
    const { server, count } = this.#options
    const answering = server()
    if (!answering) {
      count('connection refused')
      this.cut(0)
      return
    }
    const { request } = this.#parts
    this.#server = answering.owner
    const body = bodied.has(request.method)
      ? new ReadableStream<Uint8Array>({
          start: controller => {
            this.#body = controller
          },
          cancel: () => {
            this.#body = undefined
          },
        })
      : undefined
    void this.#answer(answering, requestOf(request, body))
  }

  async #answer({ owner, answer }: Answering, asked: Request): Promise<void> {
    const response = await answer(asked)
    const body = new Uint8Array(await response.arrayBuffer())
    if (this.#server !== owner || this.#isSilent) return
    const { request, device } = this.#parts
    this.#options.inspect(request, response.status, body)
    if (this.#isCut) return
    if (this.#parts.trouble === 'answer lost') {
      this.#options.count(this.#faultOf('answer lost'))
      this.cut(0)
      return
    }
    const headers = Object.fromEntries(response.headers)
    this.down.push(`${response.status} for ${device.name}`, () => {
      this.#resolve({ status: response.status, headers, body })
      this.#isCut = true
      this.#parts.over()
    })
  }

  #endBody(): void {
    const body = this.#body
    this.#body = undefined
    body?.close()
  }

  #breakBody(): void {
    const body = this.#body
    this.#body = undefined
    body?.error(new Error('the connection broke'))
  }

  #fail(): void {
    this.#reject(new CloudError('OFFLINE', { errMsg: 'no answer' }))
    this.cut(0)
    this.#mayBeOver()
  }

  #mayBeOver(): void {
    if (this.up.length + this.down.length === 0) this.#parts.over()
  }
}

function bytesOf({ body }: HttpRequest): Uint8Array {
  return typeof body === 'string' ? new TextEncoder().encode(body) : (body ?? new Uint8Array())
}

function requestOf({ method, url, headers }: HttpRequest, body: ReadableStream<Uint8Array> | undefined) {
  return new Request(url, {
    method,
    ...(headers && { headers }),
    ...(body && { body, duplex: 'half' }),
  } as RequestInit)
}

/** A host gives up where nothing arrives. */
const hostMs: Millis = 3_000
const bodied = new Set(['PUT', 'POST'])
