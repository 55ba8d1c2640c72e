/**
 * 64 bits of a text as 16 hex digits, the same on every host.
 *
 * Not cryptographic, and need not be: who forges a collision only names another element of a document they may
 * change anyway. For honest texts two that differ collide once in 2⁶⁴.
 */
export function hashText(text: string): string {
  let a = 0x9e3779b9
  let b = 0x85ebca6b ^ text.length
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i)
    a = Math.imul(a ^ unit, 0x9e3779b1)
    b = Math.imul(b ^ unit, 0x5f356495)
    a = (a << 15) | (a >>> 17)
    b = (b << 13) | (b >>> 19)
  }
  a = mixed(a ^ (b >>> 5))
  return hex(a) + hex(mixed(b ^ a))
}

/** Every bit of `x` reaches every bit of the result. */
function mixed(x: number): number {
  const y = Math.imul(x ^ (x >>> 16), 0x85ebca6b)
  const z = Math.imul(y ^ (y >>> 13), 0xc2b2ae35)
  return z ^ (z >>> 16)
}

function hex(x: number): string {
  return (x >>> 0).toString(16).padStart(8, '0')
}
