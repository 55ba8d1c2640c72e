import type { Cloud } from '@nearcloud/client'
import { type ClientDeed, firstDocuments } from './client-deeds.ts'

export type Documents = Readonly<Record<string, Readonly<Record<string, unknown>> | undefined>>

/** What a client shows of the deeds' collections, by `collection/_id`. */
export async function documentsOf(cloud: Cloud): Promise<Documents> {
  const found: [string, Record<string, unknown>][] = []
  for (const name of ['todos', 'lists']) {
    const { data } = await cloud.database().collection(name).get()
    for (const document of data)
      found.push([`${name}/${String(document._id)}`, document as Record<string, unknown>])
  }
  return Object.fromEntries(found)
}

/** Documents as one text, without what the server adds. */
export function textOf(documents: Documents): string {
  const lines = Object.entries(documents).flatMap(([place, document]) => {
    if (document === undefined) return []
    const { _id: _, _openid: __, ...data } = document
    const fields = Object.entries(data).sort(([a], [b]) => (a < b ? -1 : 1))
    return [`${place} ${JSON.stringify(fields)}`]
  })
  return lines.sort().join('\n')
}

/** Whether a deed that was broken off is made, whole, and what is wrong with what it left; `pending`: how many mutations wait. */
export function judgeDeed(
  deed: ClientDeed,
  shown: Documents,
  pending: number,
  isAcknowledged: boolean,
): { readonly isMade: boolean; readonly wrong: readonly string[] } {
  const [before, after] = [firstDocuments, { ...firstDocuments, ...deed.makes }].map(textOf)
  const isMade = textOf(shown) === after
  return {
    isMade,
    wrong: [
      ...(isMade || textOf(shown) === before ? [] : [`half of it is there: ${textOf(shown)}`]),
      ...(isAcknowledged && !isMade ? ['acknowledged and lost'] : []),
      ...(pending === (isMade ? 1 : 0) ? [] : [`${pending} mutations wait, and the documents say otherwise`]),
    ],
  }
}
