/** FNV-1a over UTF-16 units or bytes, in base 36: tells what was written from what was torn. */
export function checksum(data: string | Uint8Array): string {
  let sum = 0x811c9dc5
  if (typeof data === 'string')
    for (let at = 0; at < data.length; at++) sum = imul(sum ^ data.charCodeAt(at), 0x01000193)
  else for (let at = 0; at < data.length; at++) sum = imul(sum ^ data[at]!, 0x01000193)
  return (sum >>> 0).toString(36)
}

const { imul } = Math
