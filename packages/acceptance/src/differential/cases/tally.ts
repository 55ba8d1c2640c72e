/** Counts what the cases of a run did, so that a run that shows nothing fails. */
export class Tally {
  readonly #counts = new Map<string, number>()

  add(name: string): void {
    this.#counts.set(name, this.count(name) + 1)
  }

  count(name: string): number {
    return this.#counts.get(name) ?? 0
  }

  /** The names that were counted fewer times. */
  below(least: number, names: readonly string[]): readonly string[] {
    return names.filter(name => this.count(name) < least).map(name => `${name}: ${this.count(name)}`)
  }
}
