import type { Readable } from 'node:stream'

/** What `readSecret` needs of a terminal or a pipe. */
export interface SecretSource extends Readable {
  readonly isTTY?: boolean
  setRawMode?(isRaw: boolean): unknown
}

/**
 * One line that is shown nowhere: typed at a terminal without an echo, or the next of a pipe. Empty when there is none. Rejects with
 * `interrupted` when Ctrl-C is typed.
 */
export async function readSecret(
  source: SecretSource,
  question: string,
  ask: (text: string) => void,
): Promise<string> {
  const isTyped = source.isTTY === true && source.setRawMode !== undefined
  if (isTyped) {
    ask(question)
    source.setRawMode!(true)
  }
  try {
    return await lineFrom(source, isTyped)
  } finally {
    if (isTyped) {
      source.setRawMode!(false)
      ask('\n')
    }
  }
}

function lineFrom(source: Readable, isTyped: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    source.setEncoding('utf8')
    let line: string[] = []
    const over = () => {
      source.off('data', read)
      source.off('end', end)
      source.off('error', failed)
      source.pause()
    }
    const end = () => {
      over()
      resolve(line.join(''))
    }
    const failed = (error: Error) => {
      over()
      reject(error)
    }
    const read = (text: string) => {
      const characters = [...text]
      for (const [at, character] of characters.entries()) {
        if (character === '\n' || character === '\r' || (isTyped && character === ctrlD)) {
          end()
          const rest = characters.slice(at + 1).join('')
          if (rest !== '' && !(character === '\r' && rest === '\n')) source.unshift(rest)
          return
        }
        if (isTyped && character === ctrlC) return failed(new Error('interrupted'))
        if (isTyped && (character === '\b' || character === '\u007f')) line = line.slice(0, -1)
        else line.push(character)
      }
    }
    source.on('data', read)
    source.once('end', end)
    source.once('error', failed)
    if (source.readableEnded) end()
    else source.resume()
  })
}

const ctrlC = '\u0003'
const ctrlD = '\u0004'
