import type { Millis } from '@nearcloud/protocol'
import type { Hono } from 'hono'
import { livingHolder } from '../data-folder.ts'
import { askOperator, type OperatorPlace } from './ask-operator.ts'
import { isAllowed } from './operator-routes.ts'

/** How a server that runs is. */
export interface ServerStatus {
  readonly env: string
  readonly url: string
  readonly pid: number
  readonly since: Millis
  readonly connections: number
  readonly subscriptions: number
  readonly waiting: number
  readonly version: number
  readonly documentBytes: number
  readonly historyBytes: number
  /** Why nothing is stored any more. */
  readonly failure?: { readonly code: string; readonly errMsg: string }
}

/** `POST /operator/status` with an operator's token. */
export function addStatusRoute(
  app: Hono,
  {
    status,
    isOperator,
  }: {
    status: () => Promise<ServerStatus>
    isOperator: (token: string) => Promise<boolean>
  },
): void {
  app.post('/operator/status', async c =>
    (await isAllowed(c, isOperator)) ? c.json(await status()) : c.text('not found', 404),
  )
}

/** The process that serves a data folder; undefined when none does. */
export function serverProcess(dataFolder: string): number | undefined {
  return livingHolder(dataFolder)
}

/**
 * How the server of a data folder is; undefined when no process serves it. Rejects with SERVER_CONFIGURATION, in one sentence, when one does and
 * does not answer, as while it starts or stops.
 */
export async function statusAsOperator(place: OperatorPlace): Promise<ServerStatus | undefined> {
  if (serverProcess(place.dataFolder) === undefined) return undefined
  return (await askOperator(place, 'status', {})) as ServerStatus
}
