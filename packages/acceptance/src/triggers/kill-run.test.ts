import { expect, test } from 'vitest'
import { complaintsAbout, triggersUnderKills } from './kill-run.ts'

test('[TRIGGER-4] [AGAIN-1] [QUEUE-4] a server killed under its triggers brings every event, does each effect once, buries poison and stops loops', {
  timeout: 600_000,
}, async () => {
  const report = await triggersUnderKills({ events: 120, kills: 3, seed: 7 })
  expect(complaintsAbout(report), JSON.stringify(report)).toEqual([])
  console.log(JSON.stringify(report))
})
