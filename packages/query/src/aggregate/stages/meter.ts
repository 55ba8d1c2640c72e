import { CloudError, Geo, limits, type Millis, RegExpValue, type Value } from '@nearcloud/protocol'
import { countPositions } from '../../geo/shapes.ts'
import { unfit } from '../../refusals.ts'
import { Holding } from './holding.ts'

/** What an aggregation may cost. An error names the limit (`details.limit`) that was reached. */
export interface AggregationBudget {
  /** Stages, those of lookups included. */
  readonly stages: number
  /** Documents read, those of lookups included, and documents held by one stage. */
  readonly documents: number
  /** Of what is held at one time, about: characters of the canonical text. */
  readonly bytes: number
  readonly timeMs: Millis
}

export const defaultBudget: AggregationBudget = {
  stages: 100,
  documents: 1_000_000,
  bytes: 100_000_000,
  timeMs: 30_000,
}

/** Counts what one aggregation costs. Each method throws DATABASE_REQUEST_FAILED when a limit is passed. */
export class Meter {
  readonly #budget: AggregationBudget
  readonly #now: () => Millis
  readonly #end: Millis
  #read = 0
  #held = 0
  #steps = 0
  #measured = 0
  #unmeasured = measuredBetweenLooks

  constructor(budget: Partial<AggregationBudget>, now: () => Millis) {
    this.#budget = { ...defaultBudget, ...budget }
    this.#now = now
    this.#end = now() + this.#budget.timeMs
  }

  checkStages(count: number): void {
    if (count > this.#budget.stages) throw this.#over('stages', 'stages')
  }

  /** So many documents came from the source. */
  read(count: number): void {
    this.#read += count
    if (this.#read > this.#budget.documents) throw this.#over('documents', 'documents read')
    this.checkTime()
  }

  /** What one stage holds from now on. */
  holding(): Holding {
    return new Holding(this)
  }

  /** So much more is held at this time, or less. */
  hold(bytes: number): void {
    this.#held += bytes
    if (this.#held > this.#budget.bytes) throw this.#over('bytes', 'bytes held')
  }

  /** One stage holds so many documents. */
  checkCount(documents: number): void {
    if (documents > this.#budget.documents) throw this.#over('documents', 'documents in one stage')
  }

  /** One document has so many bytes. */
  checkSize(bytes: number): void {
    if (bytes > mostOfOneDocument) throw tooLarge()
  }

  /** One document more was worked on. */
  step(): void {
    if ((++this.#steps & stepsBetweenLooks) === 0) this.checkTime()
  }

  checkTime(): void {
    if (this.#now() > this.#end) throw this.#over('timeMs', 'milliseconds')
  }

  /**
   * About the characters of a value's canonical text: each text and key counted with its quotes, each number as 8. A part
   * that stands in several places counts in each. Throws too for a value larger or deeper than any document may be; `depth`:
   * how deep it stands in one.
   */
  measure(value: Value, depth = 0): number {
    this.#measured = 0
    this.#walk(value, depth)
    this.#unmeasured -= this.#measured
    if (this.#unmeasured < 0) {
      this.#unmeasured = measuredBetweenLooks
      this.checkTime()
    }
    return this.#measured
  }

  #walk(value: Value, depth: number): void {
    if (typeof value !== 'object' || value === null) {
      this.#measured += typeof value === 'string' ? value.length + 3 : 8
      return
    }
    this.checkSize(this.#measured)
    if (depth >= limits.depth) throw unfit(`aggregate: a value is nested deeper than ${limits.depth}`)
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype === Object.prototype || prototype === null) {
      const fields = value as { readonly [key: string]: Value }
      // all but free, unlike a list of keys; what a prototype might add counts without harm
      for (const key in fields) {
        this.#measured += key.length + 4
        this.#walk(fields[key]!, depth + 1)
      }
    } else if (Array.isArray(value)) {
      this.#measured += value.length + 2
      for (const element of value as readonly Value[]) this.#walk(element, depth + 1)
    } else if (value instanceof Uint8Array) this.#measured += value.length * 1.5
    else if (value instanceof RegExpValue) this.#measured += value.pattern.length + 50
    else this.#measured += value instanceof Geo ? 40 + 20 * countPositions(value) : 24
    this.checkSize(this.#measured)
  }

  #over(limit: keyof AggregationBudget, unit: string): CloudError {
    return new CloudError('DATABASE_REQUEST_FAILED', {
      errMsg: `aggregate: more than ${this.#budget[limit]} ${unit}: let it begin with a narrower match, or with a limit`,
      details: { limit },
    })
  }
}

function tooLarge(): CloudError {
  return new CloudError('DATABASE_REQUEST_FAILED', {
    errMsg: `aggregate: a document of more than ${mostOfOneDocument} bytes`,
    details: { limit: 'bytes' },
  })
}

/** As MongoDB has it for what goes from stage to stage. */
const mostOfOneDocument = 16_777_216
/** A mask: every 64 documents. */
const stepsBetweenLooks = 63
const measuredBetweenLooks = 1_000_000
