import { CloudError, checkCollectionName } from '@nearcloud/protocol'
import { type Filter, parseQuery } from '@nearcloud/query'
import { isRecord, misconfigured } from '../functions/function-config.ts'
import { readConcurrency, readConfigObject } from './config-parts.ts'

/** What a trigger is asked for, in its own words: a `set` is a write that replaces a whole document. */
export type TriggerEvent = 'add' | 'update' | 'set' | 'remove'

export interface DatabaseConfig {
  readonly collection: string
  readonly events: ReadonlySet<TriggerEvent>
  /** Of the document afterwards; of a removed one as it was. */
  readonly where?: Filter
  /** Documents whose changes are brought at once, at most. */
  readonly concurrency: number
}

/** `{"type": "database", "config": {"collection": …, "events": […], "where": {…}}}` */
export function readDatabaseConfig(
  file: string,
  place: string,
  declared: Readonly<Record<string, unknown>>,
): DatabaseConfig {
  const at = `${place}.config`
  const config = readConfigObject(file, at, declared.config, '{"collection": …, "events": […]}')
  const { collection, events = allEvents, where, concurrency } = config
  try {
    checkCollectionName(collection)
  } catch (error) {
    throw misconfigured(file, `${at}.collection`, `does not name a collection (${(error as Error).message})`)
  }
  if (!Array.isArray(events) || events.length === 0 || !events.every(isEvent))
    throw misconfigured(file, `${at}.events`, `must be a list of ${allEvents.map(e => `"${e}"`).join(', ')}`)
  return {
    collection,
    events: new Set<TriggerEvent>(events),
    concurrency: readConcurrency(file, at, concurrency),
    ...(where !== undefined && { where: readConditions(file, `${at}.where`, collection, where) }),
  }
}

/** `{"status": "paid", "total": {">": 100}}`: all of them, on paths of the document. */
function readConditions(file: string, place: string, collection: string, conditions: unknown): Filter {
  if (!isRecord(conditions)) throw misconfigured(file, place, 'must be an object: {"path": value}')
  const tests = Object.entries(conditions).flatMap(([path, wanted]) => {
    if (!isRecord(wanted)) return [['field', path, ['eq', wanted]]]
    return Object.entries(wanted).map(([operator, operand]) => {
      const test = Object.hasOwn(operators, operator) ? operators[operator] : undefined
      if (test) return ['field', path, [test, operand]]
      throw misconfigured(file, `${place}.${path}`, `has operators of ${Object.keys(operators).join(' ')}`)
    })
  })
  try {
    return parseQuery({ collection, where: ['and', tests], orderBy: [], skip: 0 }).where
  } catch (thrown) {
    if (!(thrown instanceof CloudError)) throw thrown
    throw misconfigured(file, place, `cannot be used: ${thrown.errMsg}`)
  }
}

const allEvents: readonly TriggerEvent[] = ['add', 'update', 'set', 'remove']
const operators: Readonly<Record<string, string>> = {
  '=': 'eq',
  '!=': 'neq',
  '>': 'gt',
  '>=': 'gte',
  '<': 'lt',
  '<=': 'lte',
  in: 'in',
}

function isEvent(event: unknown): event is TriggerEvent {
  return allEvents.some(known => known === event)
}
