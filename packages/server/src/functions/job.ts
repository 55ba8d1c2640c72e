import type { Clock, CloudError } from '@nearcloud/protocol'
import type { AskVerb, Call, LogLevel } from '@nearcloud/server-sdk/channel'
import type { FunctionConfig } from './function-config.ts'
import type { FunctionFolder } from './function-folder.ts'
import type { Jail } from './jail/jail.ts'
import type { RuntimeConfig } from './runtime-config.ts'

export interface ProcessOptions {
  readonly folder: FunctionFolder
  readonly config: FunctionConfig
  readonly runtime: RuntimeConfig
  readonly env: string
  readonly appId: string
  readonly clock: Clock
  readonly jail: Jail
  /** Words for Node that let a debugger in: then there is no time limit. */
  readonly debug?: readonly string[]
  /** It ends when it had nothing to do for so long. Default: never. */
  readonly idleMs?: number
  onLog(level: LogLevel, text: string, requestId: string | undefined): void
  /** A debugger may come to this address. */
  onDebug?(address: string): void
  /** The process is gone. */
  onEnded(): void
}

/** One invocation of the code. */
export interface Job {
  readonly call: Call
  /** Canonical text. */
  readonly event: string
  /** Carries out what the code asks for; asked only while it runs. */
  ask(verb: AskVerb, text: string): Promise<unknown>
  /** What its process held when it ended by itself. */
  measured?(memoryMb: number | undefined): void
}

/** One that runs, or waits for its process to be ready. */
export interface Running {
  readonly job: Job
  resolve(text: string): void
  reject(error: CloudError): void
  /** Ends the time limit. */
  cancel(): void
}
