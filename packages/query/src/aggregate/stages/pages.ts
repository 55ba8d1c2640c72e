import type { DocumentData } from '@nearcloud/protocol'
import type { Query } from '../../types.ts'
import type { Holding } from './holding.ts'
import type { Meter } from './meter.ts'
import type { Source } from './run.ts'

/** Documents on their way from stage to stage. */
export type Page = readonly DocumentData[]
export type Pages = AsyncIterable<Page>

/** What a run of a pipeline has. */
export interface Means {
  readonly source: Source
  readonly meter: Meter
  random(): number
  /** What was found once for the whole run, by whoever found it. */
  readonly known: Map<object, Page>
}

/** A stage that is compiled: what comes out for what comes in. Each call is a run of its own. Pages are never empty. */
export type Operator = (input: Pages, means: Means) => Pages

/** A page is closed when it has so many documents, or about so many bytes. */
export const pageDocuments = 1_000
const pageBytes = 4_000_000

/** The documents the source has, in pages of ours: the meter looks at the clock between them. */
export async function* read(query: Query, { source, meter }: Means): Pages {
  for await (const page of source.find(query))
    for (const part of cut(page)) {
      meter.read(part.length)
      yield part
    }
}

/** A list in pages. */
export function* cut(list: Page): Iterable<Page> {
  if (list.length <= pageDocuments) {
    if (list.length > 0) yield list
    return
  }
  for (let start = 0; start < list.length; start += pageDocuments)
    yield list.slice(start, start + pageDocuments)
}

/** The page a stage is filling. */
export class Outgoing {
  #documents: DocumentData[] = []
  #bytes = 0

  add(document: DocumentData, bytes = 0): void {
    this.#documents.push(document)
    this.#bytes += bytes
  }

  get isFull(): boolean {
    return this.#documents.length >= pageDocuments || this.#bytes >= pageBytes
  }

  get isEmpty(): boolean {
    return this.#documents.length === 0
  }

  take(): Page {
    const page = this.#documents
    this.#documents = []
    this.#bytes = 0
    return page
  }
}

/** A stage that makes one document of each, or none. `sizeOf`: how large is what was made? */
export function each(
  change: (document: DocumentData, means: Means) => DocumentData | undefined,
  sizeOf: (made: DocumentData, means: Means) => number = () => 0,
): Operator {
  return async function* (input, means) {
    const out = new Outgoing()
    for await (const page of input) {
      for (const document of page) {
        means.meter.step()
        const made = change(document, means)
        if (made === undefined) continue
        out.add(made, sizeOf(made, means))
        if (out.isFull) yield out.take()
      }
      if (!out.isEmpty) yield out.take()
    }
  }
}

/** Everything that comes. */
export async function gather(input: Pages, held: Holding): Promise<Page> {
  const documents: DocumentData[] = []
  for await (const page of input)
    for (const document of page) {
      held.add(document)
      documents.push(document)
    }
  return Object.freeze(documents)
}
