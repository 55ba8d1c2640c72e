import { runSections } from './run-sections.ts'
import { creates } from './server/creates.ts'
import { fanOut } from './server/fan-out.ts'
import { idle } from './server/idle.ts'
import { rules } from './server/rules.ts'
import { stampede } from './server/stampede.ts'
import { writeCost } from './server/write-cost.ts'

/*
 * What one server carries, on the machine that also carries those who ask it.
 *
 *   node packages/acceptance/dist/bench/server.js [--json] [--full] [section …]
 *
 * With --json the last line is {"ratios":{"<section>.<name>":…},"absolute":{…}}. --full: 50,000 creates, 10,000 connections.
 */
await runSections('pnpm bench:server', 'A server process under load, part by part.', [
  creates,
  fanOut,
  writeCost,
  rules,
  idle,
  stampede,
])
