import { runSections } from './run-sections.ts'
import type { Section } from './section.ts'
import { firstSync } from './sync/first-sync.ts'
import { firstSyncInBrowser } from './sync/first-sync-browser.ts'
import { latency } from './sync/latency.ts'
import { local } from './sync/local.ts'
import { mainThread } from './sync/main-thread.ts'
import { mutations } from './sync/mutations.ts'
import { offlineDay } from './sync/offline-day.ts'
import { oneField } from './sync/one-field.ts'
import { rebase } from './sync/rebase.ts'
import { resync } from './sync/resync.ts'

/*
 * What replication costs, beside what else could be done on the same machine in the same run.
 *
 *   node packages/acceptance/dist/bench/sync.js [--json] [section …]
 *
 * With --json the last line is {"ratios":{"<section>.<name>":…},"absolute":{…}}.
 */
const sections: readonly Section[] = [
  firstSync,
  firstSyncInBrowser,
  mainThread,
  oneField,
  latency,
  mutations,
  rebase,
  resync,
  offlineDay,
  local,
]

await runSections(
  'pnpm bench:sync',
  'Replication, part by part, beside bare sockets, RxDB and y-websocket.',
  sections,
)
