import type { TextPlace } from '@nearcloud/store'

/** The place of a text, as the key of a map. */
export function textKey({ collection, id, path }: TextPlace): string {
  return JSON.stringify([collection, id, path])
}
