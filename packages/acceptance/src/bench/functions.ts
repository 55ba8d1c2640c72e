import { cold } from './functions/cold.ts'
import { concurrent } from './functions/concurrent.ts'
import { warm } from './functions/warm.ts'
import { runSections } from './run-sections.ts'

/*
 * What a call of a cloud function costs, beside a bare Node HTTP handler and a bare pool of child processes that do the same on the
 * same machine in the same run.
 *
 *   node packages/acceptance/dist/bench/functions.js [--json] [section …]
 *
 * With --json the last line is {"ratios":{"<section>.<name>":…},"absolute":{…}}.
 */
await runSections('pnpm bench:functions', 'Cloud functions: cold, warm and many at once.', [
  cold,
  warm,
  concurrent,
])
