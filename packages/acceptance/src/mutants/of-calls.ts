import { mutant } from './mutant.ts'

const queued = 'client/src/queued-calls.ts'
const once = 'server/src/functions/once/call-once.ts'

/** Calls of functions that wait for a network. */
export const ofCalls = [
  mutant('client: a queued call overtakes a write that storage does not have yet', [
    queued,
    'const first = outbox.find(() => true)',
    "const [first] = (outbox as unknown as Store['outbox']).mutations",
  ]),
  mutant('client: a queued call whose exchange broke is let go', [
    queued,
    'if (outcome instanceof CloudError) {',
    'if (outcome instanceof CloudError && this.#isStopped) {',
  ]),
  mutant('client: a queued call goes before those that were asked for earlier', [
    queued,
    'for (let [call] = queue.calls; call && this.#canSend(call); [call] = queue.calls) {',
    'for (let call = queue.calls.at(-1); call && this.#canSend(call); call = queue.calls.at(-1)) {',
  ]),
  mutant('server: that a call begins is not kept', [
    once,
    'began.set(key, { time, asked })\n    await engine',
    'began.set(key, { time, asked })\n    if (time < 0) await engine',
  ]),
  mutant('server: of who calls twice at once both are run', [
    once,
    'const running = this.#running.get(place) ?? this.#invoke(place, call, asked)',
    'const running = (began => (began.delete(call.key), this.#invoke(place, call, asked)))(this.#began(call.openid))',
  ]),
] as const
