/**
 * Milliseconds until the same JSON came over a bare WebSocket, was parsed (`isParsed`) and is in a `Map`, kept nowhere else:
 * the least that could be done.
 */
export function receiveBare(
  url: string,
  documents: number,
  isParsed: boolean,
  Socket: typeof WebSocket,
): Promise<number> {
  const start = performance.now()
  return new Promise((resolve, reject) => {
    const kept = new Map<string, unknown>()
    let bytes = 0
    const socket = new Socket(url)
    socket.addEventListener('message', ({ data }) => {
      bytes += (data as string).length
      if (isParsed)
        for (const document of JSON.parse(data as string) as { _id: string }[])
          kept.set(document._id, document)
    })
    socket.addEventListener('error', () => reject(new Error('the bare socket failed')))
    socket.addEventListener('close', () => {
      if (bytes > 0 && (!isParsed || kept.size === documents)) resolve(performance.now() - start)
      else reject(new Error(`${kept.size} documents came`))
    })
  })
}
