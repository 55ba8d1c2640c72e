import type { Host } from './host.ts'

/** Says of long work how far it is, each tenth once. */
export function tellingEachTenth(host: Host, part: string): (done: number, total: number) => void {
  let told = 0
  return (done, total) => {
    const tenth = total === 0 ? 10 : Math.floor((done / total) * 10)
    if (tenth <= told) return
    told = tenth
    host.out(`${part} ${tenth * 10} %`)
  }
}
