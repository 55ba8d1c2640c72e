import { spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Cloud } from '@nearcloud/client'
import { createCloud } from '@nearcloud/node'
import { createServer } from '@nearcloud/server'
import { type ClientDeed, clientDeeds, firstDocuments } from './client-deeds.ts'
import { type Documents, documentsOf, judgeDeed, textOf } from './deed-documents.ts'

export interface ClientSweepOptions {
  /** kill: the app dies (a store that is `relaxed`); powerloss: the machine does (`strict`). */
  readonly mode: 'kill' | 'torn' | 'powerloss'
  readonly shim: string
  readonly seed: number
  /** Only deeds with this in their name. */
  readonly only?: string
  /** Told after each deed, and of each violation. */
  readonly progress: (words: string) => void
}

export interface ClientSweepReport {
  points: number
  /** By deed: at how many calls it was stopped. */
  readonly calls: Record<string, number>
  /** Found made and found not made afterwards, and acknowledged. */
  made: number
  unmade: number
  acknowledged: number
  readonly violations: string[]
}

/**
 * A client process that is stopped at each call that changes its files, for each deed. What its promise acknowledged is there
 * when the store is opened again; all of the deed is, or nothing; the documents and the outbox say the same; and when it meets
 * the server it happens once.
 */
export async function sweepClient(options: ClientSweepOptions): Promise<ClientSweepReport> {
  const report: ClientSweepReport = {
    points: 0,
    calls: {},
    made: 0,
    unmade: 0,
    acknowledged: 0,
    violations: [],
  }
  const home = mkdtempSync(join(tmpdir(), 'nearcloud-client-'))
  const project = join(home, 'project')
  mkdirSync(project)
  const open = { read: true, write: true }
  writeFileSync(join(project, 'rules.json'), JSON.stringify({ database: { todos: open, lists: open } }))
  try {
    await makeTemplate(home, project, options)
    for (const deed of clientDeeds.filter(({ name }) => name.includes(options.only ?? ''))) {
      for (let call = 1; await stopAt(call, deed, { home, project, options, report }); call++)
        report.calls[deed.name] = call
      options.progress(`${deed.name}: stopped at ${report.calls[deed.name] ?? 0} calls`)
    }
  } finally {
    if (report.violations.length === 0) rmSync(home, { recursive: true, force: true })
  }
  return report
}

/** A client in step with a server that has the first documents; both are copied for each point. */
async function makeTemplate(home: string, project: string, { mode }: ClientSweepOptions): Promise<void> {
  const server = await createServer({ dataFolder: join(home, 'server'), project })
  for (const [place, data] of Object.entries(firstDocuments)) {
    const [collection, _id] = place.split('/') as [string, string]
    await server
      .database()
      .collection(collection)
      .add({ data: { _id, ...data } })
  }
  const cloud = openClient(join(home, 'client'), server.url, mode)
  await cloud.ready()
  await cloud.whenSynced()
  await cloud.close()
  await server.stop()
}

function openClient(folder: string, endpoint: string, mode: ClientSweepOptions['mode']): Cloud {
  const cloud = createCloud({ folder })
  const durability = mode === 'powerloss' ? 'strict' : 'relaxed'
  cloud.init({ endpoint, durability, subscribe: { todos: true, lists: true } })
  return cloud
}

/** False when the deed was done before the call came. */
async function stopAt(
  call: number,
  deed: ClientDeed,
  parts: { home: string; project: string; options: ClientSweepOptions; report: ClientSweepReport },
): Promise<boolean> {
  const { home, project, options, report } = parts
  const here = join(home, 'point')
  const folder = join(here, 'client')
  rmSync(here, { recursive: true, force: true })
  mkdirSync(join(here, 'aside'), { recursive: true })
  cpSync(join(home, 'client'), folder, { recursive: true })
  cpSync(join(home, 'server'), join(here, 'server'), { recursive: true })
  const wrong = (words: string) => {
    report.violations.push(`${here}, ${deed.name}, ${options.mode} at call ${call}: ${words}`)
    options.progress(report.violations.at(-1)!)
  }
  const { isAcknowledged, signal, code, said } = await runLife(here, folder, deed, call, options)
  const isStopped = signal === 'SIGKILL'
  if (!isStopped && code !== 0) wrong(`the client ended with ${code ?? signal}: ${said}`)
  report.points++
  if (isAcknowledged) report.acknowledged++

  const server = await createServer({ dataFolder: join(here, 'server'), project })
  const cloud = openClient(folder, server.url, options.mode)
  cloud.goOffline()
  try {
    await cloud.ready()
    const { pending } = cloud.status()
    const shown = await documentsOf(cloud)
    const judged = judgeDeed(deed, shown, pending, isAcknowledged)
    const { isMade } = judged
    judged.wrong.forEach(wrong)
    report[isMade ? 'made' : 'unmade']++
    cloud.goOnline()
    await cloud.whenSynced()
    const stored: Documents = Object.fromEntries(
      (
        await Promise.all(
          ['todos', 'lists'].map(async name => {
            const { data } = await server.database().collection(name).get()
            return data.map(document => [`${name}/${String(document._id)}`, document] as const)
          }),
        )
      ).flat(),
    )
    if (textOf(stored) !== textOf({ ...firstDocuments, ...(isMade && deed.makes) }))
      wrong(`the server has ${textOf(stored)}`)
    if (textOf(await documentsOf(cloud)) !== textOf(stored)) wrong('in step, and apart from the server')
  } catch (error) {
    wrong(String((error as Error).stack ?? error))
  } finally {
    await cloud.close()
    await server.stop()
  }
  return isStopped
}

interface Life {
  readonly isAcknowledged: boolean
  readonly code: number | null
  readonly signal: string | null
  readonly said: string
}

function runLife(
  here: string,
  folder: string,
  deed: ClientDeed,
  call: number,
  { mode, shim, seed }: ClientSweepOptions,
): Promise<Life> {
  const program = join(import.meta.dirname, 'client-life.js')
  const durability = mode === 'powerloss' ? 'strict' : 'relaxed'
  const child = spawn(process.execPath, [program, folder, deed.name, durability], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      LD_PRELOAD: shim,
      NEARCLOUD_FAULT_FOLDER: folder,
      NEARCLOUD_FAULT_ASIDE: join(here, 'aside'),
      NEARCLOUD_FAULT_REPORT: join(here, 'fault-report'),
      NEARCLOUD_FAULT_MODE: mode,
      NEARCLOUD_FAULT_AT: String(call),
      NEARCLOUD_FAULT_SEED: String(seed + call),
    },
  })
  let [out, said] = ['', '']
  child.stdout.on('data', text => {
    out += String(text)
  })
  child.stderr.on('data', text => {
    said = (said + String(text)).slice(-1_000)
  })
  return new Promise(resolve =>
    child.once('close', (code, signal) =>
      resolve({ isAcknowledged: out.includes('ACK\n'), code, signal, said }),
    ),
  )
}
