/**
 * The type a file is stored with: the one that was told, unless that is one of those a browser shows and the file's first bytes
 * are not of it. A picture that was told to be another kind of picture becomes what it is; everything else that is not what it was
 * told to be is bytes without a type.
 */
export function checkedType(told: string, head: Uint8Array): string {
  const test = shown[told]
  if (!test || test(head)) return told
  const isPicture = told.startsWith('image/')
  return (
    (isPicture && Object.keys(shown).find(type => type.startsWith('image/') && shown[type]!(head))) ||
    bytesType
  )
}

/** Nothing in it can be a page or a program where it is shown. */
export function isShownType(contentType: string): boolean {
  return Object.hasOwn(shown, contentType)
}

export const bytesType = 'application/octet-stream'

/** As much of a file as is looked at. */
export const headBytes = 64

type Test = (head: Uint8Array) => boolean

/** These characters are at this place. */
const has =
  (text: string, at = 0): Test =>
  head =>
    [...text].every((character, n) => head[at + n] === character.charCodeAt(0))
const any =
  (...tests: readonly Test[]): Test =>
  head =>
    tests.some(test => test(head))
const all =
  (...tests: readonly Test[]): Test =>
  head =>
    tests.every(test => test(head))

/** The frames of MPEG sound begin with eleven ones; layer 0 is that of AAC. */
const mpegFrame: Test = head => head[0] === 0xff && (head[1]! & 0xe0) === 0xe0 && (head[1]! & 0x06) !== 0
const aacFrame: Test = head => head[0] === 0xff && (head[1]! & 0xf6) === 0xf0
const id3 = has('ID3')
const isoMedia = has('ftyp', 4)
const webm = has('\x1a\x45\xdf\xa3')
const ogg = has('OggS')

/** What a browser shows, and how its bytes begin. */
const shown: Readonly<Record<string, Test>> = Object.assign(Object.create(null) as object, {
  'image/png': has('\x89PNG\r\n\x1a\n'),
  'image/jpeg': has('\xff\xd8\xff'),
  'image/gif': any(has('GIF87a'), has('GIF89a')),
  'image/webp': all(has('RIFF'), has('WEBP', 8)),
  'image/avif': all(isoMedia, any(has('avif', 8), has('avis', 8), has('mif1', 8), has('msf1', 8))),
  // the four bytes behind the size are 0 in all there are
  'image/bmp': all(has('BM'), has('\0\0\0\0', 6)),
  'audio/mpeg': any(id3, mpegFrame),
  'audio/mp4': isoMedia,
  'audio/aac': any(aacFrame, id3, has('ADIF'), isoMedia),
  'audio/ogg': ogg,
  'audio/wav': all(has('RIFF'), has('WAVE', 8)),
  'audio/webm': webm,
  'video/mp4': isoMedia,
  'video/webm': webm,
  'video/ogg': ogg,
  'video/quicktime': any(
    isoMedia,
    has('moov', 4),
    has('mdat', 4),
    has('wide', 4),
    has('free', 4),
    has('skip', 4),
  ),
  'application/pdf': has('%PDF-'),
})
