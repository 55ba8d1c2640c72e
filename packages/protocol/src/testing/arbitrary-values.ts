import fc from 'fast-check'
import { Geo, GeoPoint } from '../geo.ts'
import { RegExpValue, ServerDate, type Value } from '../values.ts'

/**
 * Values an app could hand in, with a love for the awkward ones: negative zero, infinities, both ends of time, empty
 * keys, keys that look like indexes, text outside the basic plane, geometries, bytes. Not normalised.
 */
export function arbitraryValue(
  options: { maxDepth?: number; serverDates?: boolean } = {},
): fc.Arbitrary<Value> {
  const leaves = [arbitraryScalar(), arbitraryTyped()]
  if (options.serverDates) leaves.push(fc.integer().map(offset => new ServerDate(offset)))
  return fc.letrec<{ value: Value }>(tie => ({
    value: fc.oneof(
      { maxDepth: options.maxDepth ?? 4, depthIdentifier: 'value' },
      ...leaves,
      fc.array(tie('value'), { maxLength: 4, depthIdentifier: 'value' }),
      fc.dictionary(arbitraryKey(), tie('value'), { maxKeys: 4, depthIdentifier: 'value' }),
    ),
  })).value
}

/** Fields of a document, without an `_id`. */
export function arbitraryFields(): fc.Arbitrary<{ [key: string]: Value }> {
  return fc.dictionary(arbitraryKey(), arbitraryValue({ maxDepth: 3 }), { maxKeys: 5 })
}

/** A key that a document may have. */
export function arbitraryKey(): fc.Arbitrary<string> {
  return fc
    .oneof(
      fc.constantFrom(
        '',
        'a',
        'b',
        'type',
        'coordinates',
        '0',
        '10',
        '-1',
        'toString',
        '__proto',
        '中文',
        '👍',
        ' ',
      ),
      text(8).map(key => key.replaceAll('.', ',').replace(/^\$+/, '')),
    )
    .filter(key => key !== '__proto__' && key !== 'constructor' && key !== 'prototype')
}

function arbitraryScalar(): fc.Arbitrary<Value> {
  return fc.oneof(
    fc.constantFrom(null, true, false),
    fc.constantFrom(0, -0, 1, -1, Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY),
    fc.constantFrom(Number.MAX_SAFE_INTEGER, Number.MAX_VALUE, Number.MIN_VALUE, 2 ** 53, 1e21, 0.1, -1e-7),
    fc.double(),
    fc.integer(),
    fc.constantFrom('', '"', '\\', '\u0000', '\u2028', '\u007f', '\ufeff', '𝒳', '$date', '__proto__', 'a.b'),
    text(20),
  )
}

function arbitraryTyped(): fc.Arbitrary<Value> {
  return fc.oneof(
    fc.constantFrom(0, -1, 1, 8.64e15, -8.64e15).map(time => new Date(time)),
    fc.date({ noInvalidDate: true }),
    fc.uint8Array({ maxLength: 9 }),
    fc
      .tuple(text(6), fc.subarray(['i', 'm', 's', 'x']))
      .map(([pattern, letters]) => new RegExpValue(pattern, letters.join(''))),
    position().map(([longitude, latitude]) => new GeoPoint(longitude, latitude)),
    fc.array(position(), { minLength: 2, maxLength: 4 }).map(line => new Geo('LineString', line)),
    fc
      .array(position(), { minLength: 3, maxLength: 5 })
      .map(open => new Geo('MultiPolygon', [[[...open, open[0]]]])),
    position().map(coordinates => ({ type: 'Point', coordinates })),
    fc.constant({ type: 'Point', coordinates: [181, 0] }),
  )
}

function position(): fc.Arbitrary<[number, number]> {
  const degrees = (most: number) =>
    fc.oneof(fc.constantFrom(0, -0, most, -most), fc.double({ min: -most, max: most, noNaN: true }))
  return fc.tuple(degrees(180), degrees(90))
}

/** Well-formed text, whole code points. */
function text(maxLength: number): fc.Arbitrary<string> {
  return fc.string({ unit: 'binary', maxLength })
}
