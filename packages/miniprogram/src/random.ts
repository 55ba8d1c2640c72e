import type { RandomBytes } from '@nearcloud/protocol'

/**
 * Bytes of the host's, fetched ahead since hosts give them later only. What it has not given (in the first moment, on an old base
 * library) is made of `Math.random`, several draws to a byte: enough to tell ids apart. Nothing secret is made here; tokens are
 * the server's.
 */
export function createRandom(fetch: (count: number) => Promise<Uint8Array | undefined>): RandomBytes {
  let pool = new Uint8Array(0)
  let isFetching = false
  const refill = () => {
    if (isFetching) return
    isFetching = true
    fetch(poolBytes).then(
      bytes => {
        // a host that has none is not asked again
        if (!bytes?.length) return
        pool = bytes.slice()
        isFetching = false
      },
      () => {
        isFetching = false
      },
    )
  }
  return size => {
    if (pool.length < size + poolBytes / 4) refill()
    const bytes = new Uint8Array(size)
    const given = pool.subarray(0, size)
    bytes.set(given)
    pool = pool.subarray(given.length)
    for (let at = given.length; at < size; at++) bytes[at] = drawn()
    return bytes
  }
}

function drawn(): number {
  return (Math.random() * 256) ^ (Math.random() * 65_536) ^ ((Math.random() * 16_777_216) >>> 8)
}

const poolBytes = 4_096
