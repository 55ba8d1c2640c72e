import { isRecord, misconfigured } from '../functions/function-config.ts'

/** The members of a trigger's `config`. */
export function readConfigObject(
  file: string,
  place: string,
  config: unknown,
  form: string,
): Readonly<Record<string, unknown>> {
  if (isRecord(config)) return config
  throw misconfigured(file, place, `must be an object: ${form}`)
}

/** How many events a trigger's function takes at once. */
export function readConcurrency(file: string, place: string, concurrency: unknown = 8): number {
  if (Number.isInteger(concurrency) && (concurrency as number) >= 1 && (concurrency as number) <= 32)
    return concurrency as number
  throw misconfigured(file, `${place}.concurrency`, 'must be a whole number, 1 to 32')
}
