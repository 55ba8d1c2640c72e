import { CloudError, copyValue, type Value } from '@nearcloud/protocol'
import { loadAggregation } from '../expression-hook.ts'
import { answer } from './callbacks.ts'
import type { AggregateResult, CallbackStyle } from './results.ts'
import { type Setting, styleOf } from './setting.ts'

/** A stage as it was said: its name and what it was given. `where` is the filter of the query it began with. */
export type Step = readonly [stage: string, ...given: readonly unknown[]]

/** The stages of `$.pipeline()…done()`. */
export class Pipeline {
  readonly steps: readonly Step[]

  constructor(steps: readonly Step[]) {
    this.steps = steps
    Object.freeze(this)
  }
}

/** Where an aggregation reads: absent in a pipeline of a lookup. */
interface Place {
  readonly collection: string
  readonly setting: Setting
}

/** A pipeline. Immutable: every stage gives a new one. What a stage cannot mean is told by `end()`. */
export class Aggregate {
  readonly #place: Place | undefined
  readonly #steps: readonly Step[]

  constructor(place?: Place, steps: readonly Step[] = []) {
    this.#place = place
    this.#steps = steps
  }

  /** Documents that satisfy a condition, as `where` has it. */
  match(condition: unknown): Aggregate {
    return this.#with('match', condition)
  }
  project(fields: object): Aggregate {
    return this.#with('project', fields)
  }
  addFields(fields: object): Aggregate {
    return this.#with('addFields', fields)
  }
  /** One document for each value of `_id`, with accumulators over those that have it. */
  group(fields: object): Aggregate {
    return this.#with('group', fields)
  }
  sort(keys: object): Aggregate {
    return this.#with('sort', keys)
  }
  limit(count: number): Aggregate {
    return this.#with('limit', count)
  }
  skip(count: number): Aggregate {
    return this.#with('skip', count)
  }
  /** One document for each element of an array: `'$path'`, or `{ path, includeArrayIndex, preserveNullAndEmptyArrays }`. */
  unwind(path: unknown): Aggregate {
    return this.#with('unwind', path)
  }
  /** Documents of another collection, by equal fields or by a pipeline. */
  lookup(options: object): Aggregate {
    return this.#with('lookup', options)
  }
  replaceRoot(options: object): Aggregate {
    return this.#with('replaceRoot', options)
  }
  bucket(options: object): Aggregate {
    return this.#with('bucket', options)
  }
  bucketAuto(options: object): Aggregate {
    return this.#with('bucketAuto', options)
  }
  sortByCount(expression: unknown): Aggregate {
    return this.#with('sortByCount', expression)
  }
  count(field: string): Aggregate {
    return this.#with('count', field)
  }
  /** `sample(3)` or `sample({ size: 3 })`. */
  sample(options: number | { readonly size: number }): Aggregate {
    return this.#with('sample', options)
  }
  /** The first stage, or none: nearest first. */
  geoNear(options: object): Aggregate {
    return this.#with('geoNear', options)
  }

  /** Runs it. On a client without a `limit` stage at most the default number of documents of `get()` come. */
  end(options: CallbackStyle<AggregateResult>): void
  end(): Promise<AggregateResult>
  end(options?: object): Promise<AggregateResult> | undefined {
    const place = this.#place
    if (!place) throw new CloudError('INVALID_PARAM', { errMsg: 'a pipeline of a lookup ends with done()' })
    const { collection, setting } = place
    return answer('collection.aggregate', options, styleOf(setting), async () => {
      const { stagesFrom } = await loadAggregation()
      const { side, limits, now } = setting.options
      const isLimited = side === 'server' || this.#steps.some(([name]) => name === 'limit')
      const steps: readonly Step[] = isLimited ? this.#steps : [...this.#steps, ['limit', limits.default]]
      const { results = [], fromCache } = await setting.executor.run({
        verb: 'aggregate',
        aggregation: { collection, stages: stagesFrom(steps, now?.()) },
      })
      return {
        list: results.map(result => copyValue(result) as { [key: string]: Value }),
        errMsg: 'collection.aggregate:ok',
        ...(fromCache && { fromCache: true as const }),
      }
    })
  }

  /** The stages, for `lookup({ pipeline })`. */
  done(): Pipeline {
    return new Pipeline(this.#steps)
  }

  #with(...step: Step): Aggregate {
    return new Aggregate(this.#place, [...this.#steps, step])
  }
}
