import { z } from 'zod'

/** What a refusal says. */
export const refusalSchema: z.ZodType = z.strictObject({
  code: z.string().describe('From a closed list: programs look at this, and at the status.'),
  errMsg: z.string().describe('For people.'),
  details: z.record(z.string(), z.unknown()).optional(),
  requestId: z.string().optional(),
})

export const docId = z.union([z.string(), z.number()])

/** A value as JSON: typed ones have a tag. */
export const value: z.ZodUnknown = z
  .unknown()
  .describe(
    'A value: JSON; typed ones as {"$date": ms}, {"$binary": base64}, {"$serverDate": offsetMs}, GeoJSON …',
  )

export const data = z.record(z.string(), z.unknown())

export const document = z.looseObject({ _id: docId })

export const where: z.ZodType = z
  .union([z.array(z.unknown()), data])
  .describe(
    'Either fields and the values they equal ({"done": false}), or a filter: ["field", "n", ["gt", 5]], ["and" | "or" | "nor", [FILTER, …]].',
  )

export const orderBy = z
  .array(z.tuple([z.string(), z.enum(['asc', 'desc'])]))
  .describe('Paths and their directions, the first the most important.')

export const fields = data.describe('By path: true to have it, false to leave it out.')

export const changes = z
  .array(z.tuple([z.string(), z.string(), z.unknown()]))
  .describe(
    '[PATH, OPERATOR, ARGUMENT], as in ["count", "inc", 1], ["tags", "push", ["a"]], ["old", "remove", null].',
  )

export const query = z.strictObject({
  where: where.optional(),
  orderBy: orderBy.optional(),
  skip: z.int().min(0).optional(),
  limit: z.int().min(1).max(1_000).optional().describe('Default 100.'),
  fields: fields.optional(),
})

export const count = z.int().min(0)

export const written = z.strictObject({
  _id: docId,
  created: count,
  updated: count,
})

export const changed = z.strictObject({ updated: count, removed: count })

export const signedIn = z.strictObject({
  openid: z.string(),
  uid: z.string().optional().describe('Of who signed in by name.'),
  accessToken: z.string().describe('For "authorization: Bearer …".'),
  expiresIn: count.describe('Seconds that the access token lasts.'),
  refreshToken: z.string().describe('For /auth/refresh; also the token of a conversation over a socket.'),
})

export const ok = z.strictObject({})
