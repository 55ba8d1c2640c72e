import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks'
import type { Millis } from '@nearcloud/protocol'
import { Counter, Gauge, Histogram, Registry } from 'prom-client'
import type { FunctionLogEntry } from '../functions/logs/function-log.ts'
import type { Meter } from './meter.ts'
import type { JudgeCount } from './metered-judge.ts'

/** What is looked up when somebody asks. */
export interface MetricSources {
  /** Conversations of clients. */
  connections(): number
  subscriptions(): number
  /** Commits that wait for their group. */
  waiting(): number
  version(): Promise<number>
  bytes(): Promise<{ readonly documents: number; readonly history: number }>
  /** False when nothing can be stored any more. */
  isStoring(): boolean
}

/** The numbers of a server, in the text format that Prometheus reads. */
export class ServerMetrics implements Meter {
  readonly judged: JudgeCount = { asked: 0, ms: 0 }
  readonly #registry = new Registry()
  readonly #verdicts: Counter<'code'>
  readonly #changes: Counter
  readonly #commitSeconds: Histogram
  readonly #groupCommits: Histogram
  readonly #fanoutSeconds: Histogram
  readonly #functionSeconds: Histogram<'function' | 'code'>
  readonly #fileBytes: Counter<'direction'>
  #loop: IntervalHistogram | undefined

  constructor(env: string) {
    this.#registry.setDefaultLabels({ env })
    const registers = [this.#registry]
    this.#verdicts = new Counter({
      name: 'nearcloud_commits_total',
      help: 'Commits that were answered, by code: OK, or why not.',
      labelNames: ['code'],
      registers,
    })
    this.#changes = new Counter({
      name: 'nearcloud_changes_total',
      help: 'Documents that commits created, changed or removed.',
      registers,
    })
    this.#commitSeconds = new Histogram({
      name: 'nearcloud_commit_seconds',
      help: 'From the beginning of a group of commits until it is durable and published.',
      buckets: quickBuckets,
      registers,
    })
    this.#groupCommits = new Histogram({
      name: 'nearcloud_commit_group_size',
      help: 'Commits that became durable together.',
      buckets: [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000],
      registers,
    })
    this.#fanoutSeconds = new Histogram({
      name: 'nearcloud_fanout_seconds',
      help: 'From the publication of a change until a client it concerns is told, one for each message.',
      buckets: quickBuckets,
      registers,
    })
    this.#functionSeconds = new Histogram({
      name: 'nearcloud_function_seconds',
      help: 'Calls of cloud functions, by function and code: OK, or how it failed.',
      labelNames: ['function', 'code'],
      buckets: [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 60],
      registers,
    })
    this.#fileBytes = new Counter({
      name: 'nearcloud_file_bytes_total',
      help: 'Bytes of uploaded files that came in and went out.',
      labelNames: ['direction'],
      registers,
    })
    this.#looked(
      'counter',
      'nearcloud_rule_evaluations_total',
      'Questions to the rules.',
      () => this.judged.asked,
    )
    this.#looked(
      'counter',
      'nearcloud_rule_seconds_total',
      'Time that rules took, from every sixteenth question.',
      () => this.judged.ms / 1000,
    )
    this.#watchProcess()
  }

  moment(): Millis {
    return performance.now()
  }

  stored(group: { readonly commits: number; readonly changes: number; readonly tookMs: Millis }): void {
    this.#commitSeconds.observe(group.tookMs / 1000)
    this.#groupCommits.observe(group.commits)
    this.#changes.inc(group.changes)
  }

  decided(code: string): void {
    this.#verdicts.inc({ code })
  }

  told(tookMs: Millis): void {
    this.#fanoutSeconds.observe(tookMs / 1000)
  }

  /** A call of a function is over. What functions said is passed over. */
  called({ function: name, call }: Pick<FunctionLogEntry, 'function' | 'call'>): void {
    if (call)
      this.#functionSeconds.observe({ function: name, code: call.code ?? 'OK' }, call.durationMs / 1000)
  }

  fileBytes(direction: 'in' | 'out', bytes: number): void {
    this.#fileBytes.inc({ direction }, bytes)
  }

  watch(sources: MetricSources): void {
    const looked = (name: string, help: string, look: () => number | Promise<number>) =>
      this.#looked('gauge', name, help, look)
    looked('nearcloud_connections', 'Conversations of clients.', () => sources.connections())
    looked('nearcloud_subscriptions', 'Queries that clients follow.', () => sources.subscriptions())
    looked('nearcloud_commits_waiting', 'Commits that wait for their group.', () => sources.waiting())
    looked('nearcloud_version', 'The version of the last commit.', () => sources.version())
    looked('nearcloud_document_bytes', 'Of all documents.', async () => (await sources.bytes()).documents)
    looked('nearcloud_history_bytes', 'Of the history.', async () => (await sources.bytes()).history)
    looked('nearcloud_storing', '0 when nothing is stored any more until a restart.', () =>
      sources.isStoring() ? 1 : 0,
    )
  }

  readonly contentType = Registry.PROMETHEUS_CONTENT_TYPE

  /** The delay of the event loop is watched from the first time on that somebody asks. */
  async text(): Promise<string> {
    if (!this.#loop) {
      this.#loop = monitorEventLoopDelay({ resolution: loopResolutionMs })
      this.#loop.enable()
    }
    const text = await this.#registry.metrics()
    this.#loop.reset()
    return text
  }

  close(): void {
    this.#loop?.disable()
  }

  #looked(kind: 'gauge' | 'counter', name: string, help: string, look: () => number | Promise<number>): void {
    const metric =
      kind === 'gauge' ? new Gauge({ name, help, registers: [] }) : new Counter({ name, help, registers: [] })
    const collect = async () => {
      const value = await look()
      metric.reset()
      metric.inc(value)
    }
    this.#registry.registerMetric(Object.assign(metric, { collect }))
  }

  #watchProcess(): void {
    const lag = new Gauge({
      name: 'nearcloud_event_loop_lag_seconds',
      help: 'How late the event loop was since somebody asked last.',
      labelNames: ['quantile'],
      registers: [this.#registry],
      collect: () => {
        const { count = 0 } = this.#loop ?? {}
        const seconds = (nanoseconds: number) =>
          count === 0 ? 0 : Math.max(0, nanoseconds / 1e9 - loopResolutionMs / 1000)
        for (const quantile of [0.5, 0.99])
          lag.set({ quantile }, seconds(this.#loop?.percentile(quantile * 100) ?? 0))
        lag.set({ quantile: 1 }, seconds(this.#loop?.max ?? 0))
      },
    })
    this.#looked('gauge', 'process_resident_memory_bytes', 'Memory of the process.', () =>
      process.memoryUsage.rss(),
    )
    this.#looked(
      'gauge',
      'nodejs_heap_size_used_bytes',
      'Heap of the process.',
      () => process.memoryUsage().heapUsed,
    )
    this.#looked('counter', 'process_cpu_seconds_total', 'CPU time of the process.', () => {
      const { user, system } = process.cpuUsage()
      return (user + system) / 1e6
    })
    this.#looked('gauge', 'process_start_time_seconds', 'When the process began, since 1970.', () =>
      Math.round(performance.timeOrigin / 1000),
    )
  }
}

const loopResolutionMs = 20
const quickBuckets = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10]
