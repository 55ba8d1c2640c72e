/** Hosts have no TextEncoder to count on. */
export function utf8(text: string): Uint8Array {
  const letters = encodeURIComponent(text)
  const bytes: number[] = []
  for (let at = 0; at < letters.length; at++)
    if (letters[at] === '%') {
      bytes.push(Number.parseInt(letters.slice(at + 1, at + 3), 16))
      at += 2
    } else bytes.push(letters.charCodeAt(at))
  return Uint8Array.from(bytes)
}
