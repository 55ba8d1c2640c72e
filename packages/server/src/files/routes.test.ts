import { Buffer } from 'node:buffer'
import { expect, test } from 'vitest'
import { ann, digest, openShop } from './testing/open-shop.ts'

test('[FILE-16] a temporary URL ends, and not a letter of it can be changed', async () => {
  const shop = await openShop()
  const a = await shop.upload(ann, 'É a.txt', 'text')
  const b = await shop.upload(ann, 'b.txt', 'other')
  const [url, otherUrl] = [await shop.url(ann, a), await shop.url(ann, b)]
  expect((await shop.request(url)).status).toBe(200)
  const status = async (altered: string, init?: RequestInit) => (await shop.request(altered, init)).status
  for (let i = 7; i < url.length; i++) {
    const letter = url[i] === '0' ? '1' : '0'
    expect(await status(url.slice(0, i) + letter + url.slice(i + 1)), `letter ${i} of ${url}`).not.toBe(200)
  }
  const [path, query] = url.split('?') as [string, string]
  const [otherPath, otherQuery] = otherUrl.split('?') as [string, string]
  const [, expires, signature] = /expires=(\d+)&signature=(.+)/.exec(query)!
  const altered = [
    path,
    `${path}?`,
    `${path}?${otherQuery}`,
    `${otherPath}?${query}`,
    `${path}?expires=${Number(expires) + 1}&signature=${signature}`,
    `${path}?expires=0${expires}&signature=${signature}`,
    `${path}?expires=${expires}.0&signature=${signature}`,
    `${path}?expires=1e12&signature=${signature}`,
    `${path}?expires=-1&signature=${signature}`,
    `${path}?signature=${signature}&expires=${expires}`,
    `${path}?${query}&x=1`,
    `${path}?x=1&${query}`,
    `${path}?${query}&expires=${expires}`,
    `${path}?${query}=`,
    `${path}?${query}%20`,
    `${path}?${query.replace('expires', 'Expires')}`,
    `${path}?expires=${expires}&signature=`,
    `${path}?expires=${expires}&signature=${'0'.repeat(12)}.${signature!.slice(13)}`,
    `${path.replace('%C3', '%c3')}?${query}`,
    `${path.replace('%20', '+')}?${query}`,
    `${path.replace('/files/', '/files//')}?${query}`,
    `${path.replace('/files/', '/files/./x/../')}x?${query}`,
    `${path}/?${query}`,
    `${path.toUpperCase()}?${query}`,
    `${path.replace('/files/', '/files/uploads/')}?${query}`,
  ]
  for (const one of altered) expect(await status(one), one).toBeGreaterThanOrEqual(400)
  for (const method of ['PUT', 'POST', 'DELETE', 'PATCH'])
    expect(await status(url, { method }), method).toBeGreaterThanOrEqual(400)
  shop.clock.advance(7_199_000)
  expect(await status(url)).toBe(200)
  shop.clock.advance(1_001)
  const late = await shop.request(url)
  expect(late.status).toBe(403)
  expect(await late.json()).toMatchObject({ code: 'STORAGE_SIGN_PARAM_INVALID' })
})

test('[FILE-17] an upload URL lets in exactly what was asked, and ends', async () => {
  const shop = await openShop()
  const { uploadUrl } = await shop.ticket(ann, 'a.txt', Buffer.from('abc'))
  const place = '/files/uploads/'.length
  for (let i = place; i < uploadUrl.length; i += 3) {
    const letter = uploadUrl[i] === 'A' ? 'B' : 'A'
    const altered = uploadUrl.slice(0, i) + letter + uploadUrl.slice(i + 1)
    expect((await shop.put(altered, 0, 'abc')).status, altered).toBe(403)
  }
  const forged = Buffer.from(JSON.stringify([null, 'a', 1, 'x', 'y', 1e15])).toString('base64url')
  const readMark = /signature=(.+)$/.exec(await shop.url(ann, await shop.upload(ann, 'b', 'b')))![1]
  for (const altered of [
    `/files/uploads/${forged}.${readMark}`,
    `/files/uploads/${forged}`,
    '/files/uploads/..',
    '/files/uploads/',
  ])
    expect((await shop.put(altered, 0, 'abc')).status, altered).toBeGreaterThanOrEqual(403)
  for (const offset of ['', '-1', '0x0', '1e3', ' ', '00', '9'.repeat(20)])
    expect((await shop.put(uploadUrl, offset, 'abc')).status, offset).toBe(400)
  shop.clock.advance(24 * 3_600_000)
  expect((await shop.put(uploadUrl, 0, 'abc')).status).toBe(403)
})

test('[FILE-18] one range of a file, or 416', async () => {
  const shop = await openShop()
  const url = await shop.url(ann, await shop.upload(ann, 'a.txt', '0123456789'))
  const fetchRange = async (range: string, more: Record<string, string> = {}) => {
    const answer = await shop.request(url, { headers: { range, ...more } })
    return [answer.status, answer.headers.get('content-range'), await answer.text()]
  }
  const good: [range: string, contentRange: string, text: string][] = [
    ['bytes=0-0', 'bytes 0-0/10', '0'],
    ['bytes=2-4', 'bytes 2-4/10', '234'],
    ['bytes=7-', 'bytes 7-9/10', '789'],
    ['bytes=-3', 'bytes 7-9/10', '789'],
    ['bytes=-99', 'bytes 0-9/10', '0123456789'],
    ['bytes=5-99', 'bytes 5-9/10', '56789'],
    ['bytes=0-999999999999999', 'bytes 0-9/10', '0123456789'],
  ]
  for (const [range, contentRange, text] of good)
    expect(await fetchRange(range)).toEqual([206, contentRange, text])
  for (const range of [
    'bytes=10-',
    'bytes=10-12',
    'bytes=5-4',
    'bytes=-0',
    'bytes=-',
    'bytes=',
    'bytes',
    'bytes=0-0,0-0,0-0',
    'bytes=0-1,3-4',
    'bytes=a-b',
    'bytes=-1-2',
    'bytes=1--2',
    'bytes=0x1-2',
    'bytes=1.5-2',
    'bytes=99999999999999999999-',
    'items=0-1',
    '0-1',
    `bytes=${'0-0,'.repeat(5_000)}0-0`,
  ])
    expect(await fetchRange(range), range.slice(0, 40)).toEqual([416, 'bytes */10', ''])
  const etag = `"${digest('0123456789')}"`
  expect(await fetchRange('bytes=0-1', { 'if-range': etag })).toEqual([206, 'bytes 0-1/10', '01'])
  expect(await fetchRange('bytes=0-1', { 'if-range': '"old"' })).toEqual([200, null, '0123456789'])
  const known = await shop.request(url, { headers: { 'if-none-match': etag } })
  expect([known.status, await known.text()]).toEqual([304, ''])
  const head = await shop.request(url, { method: 'HEAD' })
  expect([head.status, head.headers.get('content-length'), await head.text()]).toEqual([200, '10', ''])
  const empty = await shop.url(ann, await shop.upload(ann, 'empty', ''))
  expect((await shop.request(empty, { headers: { range: 'bytes=0-' } })).status).toBe(416)
  expect(await (await shop.request(empty)).text()).toBe('')
})

test('[FILE-19] what could be a page or a program is a download of bytes', async () => {
  const shop = await openShop()
  const types: [contentType: string, served: string, disposition: string][] = [
    ['IMAGE/PNG', 'image/png', 'inline'],
    ['application/pdf', 'application/pdf', 'inline'],
    ...[
      'text/html',
      'TEXT/HTML',
      'application/xhtml+xml',
      'image/svg+xml',
      'text/xml',
      'application/xml',
      'text/xsl',
      'text/javascript',
      'application/javascript',
      'text/css',
      'application/wasm',
      'image/png; x=text/html',
      'image/png\r\nset-cookie: a=b',
      'image/png,text/html',
      'image/',
      '/png',
      '*/*',
      '',
      'text',
      'x'.repeat(300),
      'multipart/x-mixed-replace',
      'message/rfc822',
    ].map((type): [string, string, string] => [type, 'application/octet-stream', 'attachment']),
  ]
  for (const [contentType, served, disposition] of types) {
    const start = heads[contentType.toLowerCase()] ?? ''
    const page = Buffer.from(`${start}<script>alert(1)</script>`, 'latin1')
    const fileID = await shop.upload(ann, `page-${digest(contentType)}.html`, page, { contentType })
    const answer = await shop.request(await shop.url(ann, fileID))
    expect(answer.headers.get('content-type'), contentType).toBe(served)
    expect(answer.headers.get('content-disposition'), contentType).toMatch(
      new RegExp(`^${disposition}; filename`),
    )
    expect(answer.headers.get('x-content-type-options')).toBe('nosniff')
    expect(answer.headers.get('content-security-policy')).toBe('sandbox')
    expect(answer.headers.get('set-cookie')).toBeNull()
  }
})

test('[FILE-30] what a browser shows begins as its type does, or is a download of bytes', async () => {
  const shop = await openShop()
  const served = async (contentType: string, start: string, path = 'a') => {
    const bytes = Buffer.from(`${start}<script>alert(1)</script>`, 'latin1')
    const fileID = await shop.upload(ann, path, bytes, { contentType })
    const { headers } = await shop.request(await shop.url(ann, fileID))
    return [headers.get('content-type'), headers.get('content-disposition')!.split(';')[0]]
  }
  for (const [type, start] of Object.entries(heads))
    expect(await served(type, start), type).toEqual([type, 'inline'])
  const types = Object.keys(heads)
  const bytes = ['application/octet-stream', 'attachment']
  for (const type of types)
    for (const start of ['', '<', 'GIF', 'RIFF1234', '\x00', '<?xml', 'PK\x03\x04', ' ', '\xef\xbb\xbf'])
      expect(await served(type, start), `${type} ${start}`).toEqual(bytes)
  // a picture that is called another kind of picture is shown as what it is
  expect(await served('image/png', heads['image/jpeg']!)).toEqual(['image/jpeg', 'inline'])
  expect(await served('image/png', heads['application/pdf']!)).toEqual(bytes)
  expect(await served('application/pdf', heads['image/png']!)).toEqual(bytes)
  // what is called bytes stays bytes, whatever it is
  expect(await served('text/html', heads['image/png']!)).toEqual(bytes)
  // an empty file is nothing to show
  const nothing = await shop.upload(ann, 'nothing', '', { contentType: 'image/png' })
  expect((await shop.request(await shop.url(ann, nothing))).headers.get('content-type')).toBe(bytes[0])
})

test('[FILE-30] a file that is not what it was called is there all the same when it is asked for again', async () => {
  const shop = await openShop()
  const page = Buffer.from('<script>alert(1)</script>')
  await shop.upload(ann, 'a.png', page, { contentType: 'image/png' })
  expect(await shop.records()).toMatchObject([
    { contentType: 'application/octet-stream', toldType: 'image/png' },
  ])
  expect((await shop.ticket(ann, 'a.png', page, { contentType: 'image/png' })).offset).toBe(page.length)
  expect((await shop.ticket(ann, 'a.png', page, { contentType: 'image/gif' })).offset).toBe(0)
})

test('[FILE-20] pages of other origins may upload and fetch', async () => {
  const shop = await openShop()
  const { uploadUrl } = await shop.ticket(ann, 'a.txt', Buffer.from('abc'))
  const asked = await shop.request(uploadUrl, {
    method: 'OPTIONS',
    headers: {
      origin: 'http://app',
      'access-control-request-method': 'PUT',
      'access-control-request-headers': 'upload-offset, authorization',
    },
  })
  expect(asked.status).toBe(204)
  expect(asked.headers.get('access-control-allow-origin')).toBe('*')
  expect(asked.headers.get('access-control-allow-headers')).toContain('upload-offset')
  expect(asked.headers.get('access-control-allow-methods')).toContain('PUT')
  const part = await shop.request(uploadUrl, {
    method: 'PUT',
    body: 'ab',
    headers: { origin: 'http://app', 'upload-offset': '0' },
  })
  expect(part.headers.get('access-control-expose-headers')).toContain('upload-offset')
})

/** How files of each type begin. */
const heads: Readonly<Record<string, string>> = {
  'image/png': '\x89PNG\r\n\x1a\n',
  'image/jpeg': '\xff\xd8\xff\xe0',
  'image/gif': 'GIF89a',
  'image/webp': 'RIFF\x10\0\0\0WEBPVP8 ',
  'image/avif': '\0\0\0\x20ftypavif\0\0\0\0',
  'image/bmp': 'BM\x46\0\0\0\0\0\0\0',
  'audio/mpeg': '\xff\xfb\x90\x64',
  'audio/mp4': '\0\0\0\x20ftypM4A ',
  'audio/aac': '\xff\xf1\x50\x80',
  'audio/ogg': 'OggS\0',
  'audio/wav': 'RIFF\x10\0\0\0WAVEfmt ',
  'audio/webm': '\x1a\x45\xdf\xa3',
  'video/mp4': '\0\0\0\x20ftypisom',
  'video/webm': '\x1a\x45\xdf\xa3',
  'video/ogg': 'OggS\0',
  'video/quicktime': '\0\0\0\x14ftypqt  ',
  'application/pdf': '%PDF-1.7\n',
}
