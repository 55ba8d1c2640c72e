/** What one part of `bench/sync` found. Ratios say what of what in their names; times are in the unit at the end of theirs. */
export interface Found {
  readonly absolute: Readonly<Record<string, number>>
  readonly ratios?: Readonly<Record<string, number>>
}

export interface Section {
  readonly name: string
  run(wish: { readonly isFull: boolean }): Promise<Found>
}
