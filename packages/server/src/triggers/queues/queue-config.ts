import { misconfigured } from '../../functions/function-config.ts'
import { readConcurrency, readConfigObject } from '../config-parts.ts'

export interface QueueConfig {
  readonly queue: string
  /** Messages that are brought at once, at most. */
  readonly concurrency: number
}

/** `{"type": "queue", "config": {"queue": …, "concurrency": …}}` */
export function readQueueConfig(
  file: string,
  place: string,
  declared: Readonly<Record<string, unknown>>,
): QueueConfig {
  const config = readConfigObject(file, `${place}.config`, declared.config, '{"queue": …}')
  const { queue } = config
  if (!isQueueName(queue))
    throw misconfigured(
      file,
      `${place}.config.queue`,
      'must name a queue: a letter, then up to 59 letters, digits, "_" or "-"',
    )
  return { queue, concurrency: readConcurrency(file, `${place}.config`, config.concurrency) }
}

export function isQueueName(name: unknown): name is string {
  return typeof name === 'string' && /^[A-Za-z][A-Za-z0-9_-]{0,59}$/.test(name)
}
