import { DatabaseSync } from '@photostructure/sqlite'
import { verdicts } from './check-while-serving.ts'

/* Reads the database that its argument names, while others use it. See `checkWhileServing`. */
const corrupt = 11
const db = new DatabaseSync(process.argv[2]!, { readOnly: true })
db.exec('PRAGMA busy_timeout = 10000')
process.exitCode = isWhole() ? verdicts.whole : verdicts.damaged

function isWhole(): boolean {
  try {
    const found = db.prepare('PRAGMA quick_check(1)').get() as Record<string, unknown>
    return Object.values(found)[0] === 'ok'
  } catch (thrown) {
    if (((thrown as { errcode?: number }).errcode ?? 0) % 256 === corrupt) return false
    throw thrown
  }
}
