/** What upper and lower case have in common: two code points are the same but for case when their folds are equal. */
export function foldCase(code: number): number {
  if (code < 0x80) return code >= 0x41 && code <= 0x5a ? code + 32 : code
  if (code === dotlessI) return code
  return single(lowerCase, single(upperCase, code))
}

/** All code points that differ from this one only in case, itself among them. */
export function caseVariants(code: number): readonly number[] {
  const fold = foldCase(code)
  if (code < 0x80) {
    if (fold < 0x61 || fold > 0x7a) return [code]
    return fold === 0x73 ? [fold, 0x53, longS] : fold === 0x6b ? [fold, 0x4b, kelvin] : [fold, fold - 32]
  }
  variantsByFold ??= collectVariants()
  return variantsByFold.get(fold) ?? [code]
}

let variantsByFold: Map<number, number[]> | undefined

/** Cased scripts all lie below this. */
const lastCased = 0x1e943

function collectVariants(): Map<number, number[]> {
  const byFold = new Map<number, number[]>()
  for (let code = 0; code <= lastCased; code++) {
    if (code === 0xd800) code = 0xe000
    const fold = foldCase(code)
    if (fold === code) continue
    const known = byFold.get(fold)
    if (known) known.push(code)
    else byFold.set(fold, [fold, code])
  }
  return byFold
}

/** The mapping of one code point when it is one code point; otherwise the code point itself. */
function single(map: (text: string) => string, code: number): number {
  const mapped = map(String.fromCodePoint(code))
  const first = mapped.codePointAt(0)!
  return mapped.length === (first > 0xffff ? 2 : 1) ? first : code
}

const upperCase = (text: string) => text.toUpperCase()
const lowerCase = (text: string) => text.toLowerCase()

/** Its upper case is I, but it is no other case of i. */
const dotlessI = 0x131
const longS = 0x17f
const kelvin = 0x212a
