/** The ready-made rules of the original. The creator is the one whose openid a document or file carries. */
export type PresetName = 'READONLY' | 'PRIVATE' | 'ADMINWRITE' | 'ADMINONLY'

/** Who may: everyone (strangers too), the creator, or nobody but functions and admin. */
export type Circle = 'everyone' | 'creator' | 'nobody'

export interface Preset {
  readonly name: PresetName
  readonly read: Circle
  readonly write: Circle
}

export const presets: ReadonlyMap<string, Preset> = new Map(
  (
    [
      { name: 'READONLY', read: 'everyone', write: 'creator' },
      { name: 'PRIVATE', read: 'creator', write: 'creator' },
      { name: 'ADMINWRITE', read: 'everyone', write: 'nobody' },
      { name: 'ADMINONLY', read: 'nobody', write: 'nobody' },
    ] as const
  ).map(preset => [preset.name, preset]),
)

/** For a collection that the rules do not name, and for files when they are silent about storage. */
export const defaultPreset: Preset = presets.get('PRIVATE')!

/** What the openid of a document or file says to the openid of who asks; nobody owns what carries none. */
export function isWithin(circle: Circle, asker: string | undefined, owner: unknown): boolean {
  switch (circle) {
    case 'everyone':
      return true
    case 'creator':
      return asker !== undefined && typeof owner === 'string' && owner === asker
    case 'nobody':
      return false
  }
}
