export interface Line {
  readonly name: string
  readonly category: string
  readonly price: number
  readonly stock: number
}

/** Undefined for what is no line. */
export function parseLine(text: string): Line | undefined {
  const [name, category, price, stock] = text.split(',').map(word => word.trim())
  if (!name || !category || !(Number(price) >= 0) || !Number.isInteger(Number(stock))) return undefined
  return { name, category, price: Number(price), stock: Number(stock) }
}
