import type { Awareness, YDoc, YText } from '@nearcloud/text/client'

/** What `doc(id).text(path)` gives, where Yjs is at hand. */
declare module '@nearcloud/query' {
  interface TextTypes {
    ytext: YText
    doc: YDoc
    awareness: Awareness
  }
}
