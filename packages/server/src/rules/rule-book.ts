import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CloudError } from '@nearcloud/protocol'
import type { Log } from '../log-line.ts'
import { createJudge } from './create-judge.ts'
import type { Judge } from './judge.ts'
import { defaultRules, type RuleSet } from './rule-set.ts'
import { parseRules } from './rules-file.ts'
import { watchFile } from './watch-file.ts'

/** The judge by the rules of a project, as they are now: `<projectFolder>/rules.json`, followed while it is open. */
export interface RuleBook extends Judge {
  /** Called after other rules have come into force (`version` is new already). Returns the way to stop. */
  onChange(listener: () => void): () => void
  close(): void
}

/**
 * Opens the rules of a project; without a folder or file the default rules hold.
 *
 * Throws SERVER_CONFIGURATION when the file cannot be used. A file that breaks or vanishes later leaves the last good
 * rules in force and is told to `log` (`rules.broken`, `rules.missing`); a good one is in force at once (`rules.changed`).
 */
export async function openRules(
  projectFolder: string | undefined,
  log: Log,
  now: () => number = Date.now,
): Promise<RuleBook> {
  const path = projectFolder === undefined ? undefined : join(projectFolder, 'rules.json')
  const listeners = new Set<() => void>()
  let text = path === undefined ? undefined : await read(path)
  let judge = createJudge(text === undefined ? defaultRules : parseRules(text, path!), now)

  async function reload(file: string): Promise<void> {
    const found = await read(file)
    if (found === text) return
    text = found
    if (found === undefined) {
      log({ level: 'warn', event: 'rules.missing', message: `${file} is gone: the last rules stay in force` })
      return
    }
    const rules: RuleSet = parseRules(found, file)
    if (rules.version === judge.version) return
    judge = createJudge(rules, now)
    log({ level: 'info', event: 'rules.changed', message: `new rules from ${file} are in force` })
    for (const listener of [...listeners]) listener()
  }

  const watch =
    path === undefined
      ? undefined
      : watchFile(path, async () => {
          try {
            await reload(path)
          } catch (thrown) {
            const reason = thrown instanceof CloudError ? thrown.errMsg : String(thrown)
            log({
              level: 'error',
              event: 'rules.broken',
              message: `${reason} (the last rules stay in force)`,
            })
          }
        })

  return {
    get version() {
      return judge.version
    },
    get readsOthers() {
      return judge.readsOthers
    },
    checkQuery: (actor, query, reads) => judge.checkQuery(actor, query, reads),
    mayRead: (actor, collection, document, reads) => judge.mayRead(actor, collection, document, reads),
    readersOf: (actor, collection) => judge.readersOf(actor, collection),
    mayReadAll: (actor, collection) => judge.mayReadAll?.(actor, collection) ?? false,
    judgeWrite: (actor, write, reads) => judge.judgeWrite(actor, write, reads),
    checkDocument: (actor, write) => judge.checkDocument?.(actor, write),
    concernedBy: happened => judge.concernedBy(happened),
    judgeFile: (actor, act, file) => judge.judgeFile(actor, act, file),
    mayInvoke: (actor, name) => judge.mayInvoke(actor, name),
    onChange(listener) {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    close() {
      watch?.close()
      listeners.clear()
    },
  }
}

async function read(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw new CloudError('SERVER_CONFIGURATION', {
      errMsg: `${path}: cannot be read (${(cause as NodeJS.ErrnoException).code ?? 'unknown error'})`,
      cause,
    })
  }
}
