import type { Deed, Documents } from '../crash/deeds.ts'
import { Writer } from '../crash/writer.ts'
import { createDice } from '../scenario/dice.ts'

/*
 * A client in a process of its own: `node client.js '{"name":"w0",…}'`. It does what its parent asks over the channel between
 * them, one thing after the other; nothing of that goes over the network that is tried.
 */

export interface ClientOptions {
  readonly name: string
  readonly endpoint: string
  readonly folder: string
  readonly shared: readonly string[]
  readonly writers: readonly string[]
}

export type Ask =
  | { readonly ask: 'hello'; readonly isFirst: boolean }
  | { readonly ask: 'write'; readonly seed: number; readonly mostMs: number; readonly most: number }
  | { readonly ask: 'stop' }
  | { readonly ask: 'status' }
  | { readonly ask: 'tell' }
  | { readonly ask: 'close' }

export interface Told {
  readonly deeds: readonly Deed[]
  readonly acknowledged: readonly number[]
  readonly complaints: readonly string[]
  readonly errors: Readonly<Record<string, number>>
  /** By collection: documents. */
  readonly documents: readonly (readonly [name: string, documents: readonly (readonly [string, object])[]])[]
  readonly watched: readonly (readonly [string, object])[]
  readonly window: readonly string[]
}

export interface Status {
  readonly state: string
  readonly pending: number
  readonly made: number
  readonly acknowledged: number
  readonly rssMb: number
}

const options = JSON.parse(process.argv[2] ?? '{}') as ClientOptions
const writer = await Writer.open(options)

async function answer(asked: Ask): Promise<unknown> {
  switch (asked.ask) {
    case 'hello':
      await writer.sayHello()
      if (asked.isFirst) await writer.makeShared()
      return
    case 'write':
      writer.start(createDice(asked.seed), asked)
      return writer.finished
    case 'stop':
      await writer.stop()
      writer.cloud.goOnline()
      return
    case 'status': {
      const { state, pending } = writer.cloud.status()
      const rssMb = Math.round(process.memoryUsage.rss() / 104_857.6) / 10
      return {
        state,
        pending,
        made: writer.deeds.length,
        acknowledged: writer.acknowledged.size,
        rssMb,
      } satisfies Status
    }
    case 'tell': {
      const documents: Documents = await writer.documents()
      return {
        deeds: writer.deeds,
        acknowledged: [...writer.acknowledged],
        complaints: writer.complaints,
        errors: writer.errors,
        documents: Object.entries(documents).map(([name, found]) => [name, [...found]] as const),
        watched: [...writer.watched],
        window: writer.window,
      } satisfies Told
    }
    case 'close':
      await writer.close()
      return
  }
}

process.on('message', ({ id, asked }: { id: number; asked: Ask }) => {
  answer(asked).then(
    result => process.send?.({ id, result }),
    error => process.send?.({ id, error: String((error as Error).stack ?? error) }),
  )
})
process.on('disconnect', () => process.exit(0))
process.send?.({ id: 0 })
