/**
 * Eight hexadecimal digits that another text has by chance alone: it notices a medium that gave back something else, not
 * somebody who wants to deceive. `from`: where the text begins.
 */
export function checksum(text: string, from = 0): string {
  let [even, odd] = [0x811c9dc5, 0x01000193]
  const { length: end } = text
  let at = from
  for (; at + 1 < end; at += 2) {
    even = imul(even ^ text.charCodeAt(at), prime)
    odd = imul(odd ^ text.charCodeAt(at + 1), prime)
  }
  if (at < end) even = imul(even ^ text.charCodeAt(at), prime)
  const mixed = imul(even ^ (even >>> 15), 0x2c1b3c6d) ^ imul(odd ^ (odd >>> 13), 0x297a2d39) ^ (end - from)
  return ((mixed ^ (mixed >>> 16)) >>> 0).toString(16).padStart(8, '0')
}

const { imul } = Math
const prime = 16_777_619
