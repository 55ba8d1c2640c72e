/** The first seed of every run here: `DIFFERENTIAL_FROM=<seed>` begins with a case that failed, or with new ones. */
const firstSeed = Number(process.env.DIFFERENTIAL_FROM ?? 1)

/** So many seeds, in parts that are tried in houses of their own. */
export function seeds(count: number): readonly (readonly number[])[] {
  const parts: number[][] = []
  for (let at = 0; at < count; at += partSize)
    parts.push(Array.from({ length: Math.min(partSize, count - at) }, (_, i) => firstSeed + at + i))
  return parts
}

const partSize = 250
