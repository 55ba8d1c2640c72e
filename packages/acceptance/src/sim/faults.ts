/**
 * What goes wrong in worlds. A frame may come twice, never, or after the next one, though a WebSocket does not do that; and what
 * was sent over a connection that broke arrives late or never, and is sent again over the next. The last is no misfortune,
 * but has to be met as often.
 */
export const faults = [
  'connection cut',
  'frames lost in a cut',
  'frames late, after a newer connection',
  'mutation sent again',
  'push arrives twice',
  'frame comes twice',
  'frame lost',
  'frame overtaken',
  'half-open connection',
  'slow reader',
  'network down',
  'connection refused',
  'older protocol spoken',
  'silence for a minute',
  'client killed',
  'client killed in a storage step',
  'client storage refuses',
  'client storage full',
  'client medium full',
  'reserve given back',
  'client loses power',
  'client storage set back',
  'copy falsified',
  'client clock jumps ahead',
  'client clock jumps back',
  'client held offline',
  'server killed',
  'server killed before a commit is durable',
  'server killed between durable and told',
  'server sends everybody away',
  'server disk refuses a commit',
  'server disk refuses a read',
  'server clock jumps ahead',
  'server clock jumps back',
  'server set back to an earlier day',
  'history pruned',
  'history too large',
  'rules changed',
  'write refused by rules',
  'change told as a patch',
  'token expired',
  'another user active',
  'anonymous user kept',
  'anonymous user merged',
  'user removed',
  'change of users refused by storage',
  'upload cut',
  'answer to an upload lost',
  'upload arrives twice',
  'upload falls silent',
  'upload goes on where it was left',
  'file refused by client storage',
  'file refused by rules',
  'file refused by quota',
  'write refused with its file',
  'write held by a file',
  'server storage full',
  'server killed with a file on its way',
  'server loses unsynced bytes or names of files',
  'file removed that a document names',
  'file lost on the disk',
  'file set back with its server',
  'call cut',
  'answer to a call lost',
  'call arrives twice',
  'call falls silent',
  'call asked again',
  'call refused by client storage',
  'call refused before it ran',
  'server killed in a call',
] as const

export type Fault = (typeof faults)[number]

/** How often each was really used: a blow into thin air does not count. */
export type FaultCounts = Readonly<Record<Fault, number>>

export function noFaults(): Record<Fault, number> {
  return Object.fromEntries(faults.map(fault => [fault, 0])) as Record<Fault, number>
}

export function addFaults(to: Record<Fault, number>, more: FaultCounts): void {
  for (const fault of faults) to[fault] += more[fault]
}
