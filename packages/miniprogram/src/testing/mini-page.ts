/**
 * A page as the host has one: `setData` takes paths as in `list[0].done`, copies what it is given, and refuses `undefined` and what
 * is over 1 MB.
 */
export class MiniPage {
  readonly data: Record<string, unknown>
  /** What `setData` was told, each time. */
  readonly told: Record<string, unknown>[] = []

  constructor(data: Record<string, unknown> = {}) {
    this.data = data
  }

  setData(given: Record<string, unknown>): void {
    const text = JSON.stringify(given, (key, value: unknown) => {
      if (value === undefined) throw new Error(`Setting data field "${key}" to undefined is invalid.`)
      return value
    })
    if (text.length > 1_048_576) throw new Error('setData: the data is over 1 MB')
    const copied = JSON.parse(text) as Record<string, unknown>
    this.told.push(copied)
    for (const [path, value] of Object.entries(copied)) setAt(this.data, keysOf(path), value)
  }

  /** The host takes the page away. */
  unload(): void {
    const { onUnload } = this as { onUnload?: () => void }
    onUnload?.call(this)
  }
}

function keysOf(path: string): (string | number)[] {
  const keys = path.split('.').flatMap(part => {
    const [name, ...indexes] = part.split('[')
    const numbers = indexes.map(index => Number(index.replace(/\]$/, '')))
    // hosts take `list.[0]` for `list[0]`
    return name === '' && numbers.length > 0 ? numbers : [name!, ...numbers]
  })
  if (keys.some(key => key === '' || Number.isNaN(key))) throw new Error(`setData: "${path}" is no path`)
  return keys
}

function setAt(target: Record<string, unknown>, keys: readonly (string | number)[], value: unknown): void {
  let at = target as Record<string | number, unknown>
  for (const [i, key] of keys.slice(0, -1).entries()) {
    const isIndexed = typeof keys[i + 1] === 'number'
    const next = at[key]
    if (typeof next !== 'object' || next === null || Array.isArray(next) !== isIndexed)
      at[key] = isIndexed ? [] : {}
    at = at[key] as Record<string | number, unknown>
  }
  at[keys[keys.length - 1]!] = value
}
