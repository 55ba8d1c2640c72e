/** The first seed of every run here: `DIFFERENTIAL_FROM=<seed>` begins with a case that failed, or with new ones. */
export const firstSeed = Number(process.env.DIFFERENTIAL_FROM ?? 1)
