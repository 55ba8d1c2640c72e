import cloud from 'wx-server-sdk'
import { type Line, parseLine } from './line'

cloud.init()
const db = cloud.database()
const log = cloud.logger()

interface Event {
  readonly text: string
}

/** Lines as in `green tea,drinks,12,3`; a log of one object for each thing that happens. Written in TypeScript. */
export async function main({ text }: Event): Promise<{ added: number; refused: readonly string[] }> {
  const started = Date.now()
  log.info({ step: 'started', lines: text.split('\n').length })
  const refused: string[] = []
  const lines: Line[] = []
  for (const each of text.split('\n')) {
    const line = parseLine(each)
    if (line) lines.push(line)
    else refused.push(each)
  }
  for (const data of lines) await db.collection('products').add({ data })
  for (const line of refused) log.warn({ step: 'refused', line })
  log.info({ step: 'ended', added: lines.length, ms: Date.now() - started })
  return { added: lines.length, refused }
}
