import type { Host } from './host.ts'

/** How far a part of long work is; to be called often. */
export type Telling = (done: number, total: number) => void

/** On a terminal a bar; elsewhere a line for each tenth, once. */
export function telling(host: Host, part: string, now: () => number = () => performance.now()): Telling {
  return host.screen ? drawing(host.screen, part, now) : sayingEachTenth(host, part)
}

/** How many there are so far, of nobody knows how many. */
export function counting(host: Host, what: string, sayEvery: number): (count: number) => void {
  const { screen } = host
  if (screen) return count => screen.redraw(`${count} ${what} …`)
  let said = 0
  return count => {
    if (Math.floor(count / sayEvery) > said) host.out(`${count} ${what} …`)
    said = Math.floor(count / sayEvery)
  }
}

function sayingEachTenth(host: Host, part: string): Telling {
  let told = 0
  return (done, total) => {
    const tenth = total === 0 ? 10 : Math.floor((done / total) * 10)
    if (tenth <= told) return
    told = tenth
    host.out(`${part} ${tenth * 10} %`)
  }
}

function drawing(screen: NonNullable<Host['screen']>, part: string, now: () => number): Telling {
  const began = now()
  let drawn = ''
  return (done, total) => {
    const share = total === 0 ? 1 : Math.min(Math.max(done / total, 0), 1)
    const cells = Math.floor(share * width)
    const tookMs = now() - began
    const leftS = Math.ceil((tookMs / share - tookMs) / 1000)
    const left = share < 1 && tookMs > guessAfterMs && share > 0 ? `  ${durationOf(leftS)} left` : ''
    const percent = String(Math.floor(share * 100)).padStart(3)
    const line = `${part.padEnd(9)} ${'█'.repeat(cells)}${'·'.repeat(width - cells)} ${percent} %${left}`
    if (line === drawn) return
    drawn = line
    screen.redraw(line)
    if (share === 1) screen.settle()
  }
}

function durationOf(seconds: number): string {
  return seconds < 100 ? `${seconds} s` : `${Math.ceil(seconds / 60)} min`
}

const width = 30
/** Sooner nobody knows. */
const guessAfterMs = 2_000
