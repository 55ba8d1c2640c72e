import { utf8Length } from '@nearcloud/protocol'

/** Rows for one frame; `isTooLarge`: the one row in it is more than the server takes. */
export interface Frame<Row> {
  readonly rows: readonly Row[]
  readonly isTooLarge: boolean
}

/** Rows in frames that the server takes, in their order. */
export function inFrames<Row>(rows: readonly Row[]): readonly Frame<Row>[] {
  const frames: Frame<Row>[] = []
  let open: Row[] = []
  let bytes = 0
  const close = () => {
    if (open.length > 0) frames.push({ rows: open, isTooLarge: false })
    open = []
    bytes = 0
  }
  for (const row of rows) {
    const size = utf8Length(JSON.stringify(row))
    if (bytes + size > mostBytes) close()
    if (size > mostBytes) frames.push({ rows: [row], isTooLarge: true })
    else {
      open.push(row)
      bytes += size
    }
  }
  close()
  return frames
}

/** A document has a megabyte at most, a row two states of it, and a frame eight. */
const mostBytes = 4_000_000
