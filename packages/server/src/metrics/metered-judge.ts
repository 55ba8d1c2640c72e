import type { Judge } from '../rules/judge.ts'

/** What the judge was asked, and about how long that took. */
export interface JudgeCount {
  asked: number
  /** Of every sixteenth question, times sixteen. */
  ms: number
}

/** The same judge, counted. Looking at the time would cost as much as a small rule: so it is looked at now and then. */
export function meteredJudge(judge: Judge, count: JudgeCount, moment: () => number): Judge {
  function timed<T>(ask: () => T): T {
    if (count.asked++ % sampled !== 0) return ask()
    const began = moment()
    try {
      return ask()
    } finally {
      count.ms += (moment() - began) * sampled
    }
  }
  return {
    get version() {
      return judge.version
    },
    get readsOthers() {
      return judge.readsOthers
    },
    checkQuery: (actor, query, reads) => timed(() => judge.checkQuery(actor, query, reads)),
    mayRead: (actor, collection, document, reads) =>
      timed(() => judge.mayRead(actor, collection, document, reads)),
    readersOf: (actor, collection) => judge.readersOf(actor, collection),
    ...(judge.mayReadAll && { mayReadAll: judge.mayReadAll.bind(judge) }),
    judgeWrite: (actor, write, reads) => timed(() => judge.judgeWrite(actor, write, reads)),
    ...(judge.checkDocument && { checkDocument: judge.checkDocument.bind(judge) }),
    concernedBy: happened => judge.concernedBy(happened),
    judgeFile: (actor, act, file) => timed(() => judge.judgeFile(actor, act, file)),
    mayInvoke: (actor, name) => timed(() => judge.mayInvoke(actor, name)),
  }
}

const sampled = 16
