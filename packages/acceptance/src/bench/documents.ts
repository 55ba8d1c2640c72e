/** Documents like those of an app: a title, a state, people, a date, tags, a line of text. About 300 bytes each. */
export function benchDocument(n: number): Record<string, unknown> & { _id: string } {
  return {
    _id: benchId(n),
    title: `Task ${n}: ${words[n % words.length]} the ${words[(n * 7 + 3) % words.length]}`,
    done: n % 3 === 0,
    priority: (n * 7_919) % 100,
    owner: `person-${n % 50}`,
    createdAt: new Date(1_700_000_000_000 + n * 60_000),
    tags: [words[(n * 3) % words.length], words[(n * 5 + 1) % words.length]],
    note: `${words[(n * 11) % words.length]} before ${words[(n * 13 + 5) % words.length]}, and call person-${(n * 17) % 50} first`,
  }
}

/** The same without what only our values have: a date is a number, and the id is called as RxDB wants it. */
export function plainDocument(document: ReturnType<typeof benchDocument>): Record<string, unknown> {
  const { _id, ...rest } = document
  return { id: _id, ...rest, createdAt: (document.createdAt as Date).getTime() }
}

export function benchId(n: number): string {
  return `task-${String(n).padStart(6, '0')}`
}

const words = [
  'paint',
  'bridge',
  'boat',
  'measure',
  'lantern',
  'kitchen',
  'repair',
  'letter',
  'garden',
  'carry',
  'window',
]
