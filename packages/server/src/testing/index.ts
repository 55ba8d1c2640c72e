// the parts of a server that need no socket and no disk, for whoever puts them together another way
export type { Actor } from '../actor.ts'
export { SeenTokens } from '../auth/seen-tokens.ts'
export { refused } from '../auth/signed-claims.ts'
export type { Tokens } from '../auth/tokens.ts'
export { Users } from '../auth/users.ts'
export type { Change } from '../commit/change.ts'
export { LiveEnvironment } from '../commit/live-environment.ts'
export type {
  Batch,
  ClientRow,
  Engine,
  Horizon,
  Opening,
  OutcomeRow,
  ScanPlan,
  StoredRow,
  VersionPage,
} from '../engine/engine.ts'
export { type HistoryLimits, keepHistoryShort } from '../engine/keep-history-short.ts'
export { SqliteEngine } from '../engine/sqlite-engine.ts'
export { readRun } from '../engine/sqlite-outcomes.ts'
export { Fanout } from '../fanout/fanout.ts'
export type { Disk, OpenFile } from '../files/disk.ts'
export { type Files, openFiles } from '../files/files.ts'
export { serveFiles } from '../files/testing/serve-files.ts'
export { CallOnce } from '../functions/once/call-once.ts'
export { serveCalls } from '../functions/testing/serve-calls.ts'
export { createJudge } from '../rules/create-judge.ts'
export type { Judge, JudgedFile } from '../rules/judge.ts'
export { type LoadingReads, noReads, type RuleReads } from '../rules/rule-reads.ts'
export { parseRules } from '../rules/rules-file.ts'
export type { Session, SessionTokens } from '../session/session.ts'
export { Sessions } from '../session/sessions.ts'
export type { Wire } from '../session/wire.ts'
export { acknowledgedIn, whatIsWrong } from './committed.ts'
export { engineSuite } from './engine-suite.ts'
export { ManualClock } from './manual-clock.ts'
export { MemoryEngine } from './memory-engine.ts'
export { OpenJudge } from './open-judge.ts'
export { openPollEcho } from './poll-echo.ts'
export { pruneTo } from './prune-to.ts'
export { RawClient } from './raw-client.ts'
export { replayTranscript, type TranscriptStep } from './replay-transcript.ts'
export { admin, alice, bob, mutationOf, openWorld, type Scenario, scenario, type World } from './scenario.ts'
