import { aggregation } from './areas/aggregation.ts'
import { client } from './areas/client.ts'
import { language } from './areas/language.ts'
import { platforms } from './areas/platforms.ts'
import { server } from './areas/server.ts'
import type { Area } from './entry.ts'

/** The original, part by part, and how each part is here. `docs/compatibility.md` is made of it. */
export const table: readonly Area[] = [...client, ...language, ...aggregation, ...server, ...platforms]
