import type { Query } from '@nearcloud/query'

/** A world in which one kind of thing happens more than others: what is seldom elsewhere is met there soon. */
export interface Setting {
  /** How many times as often as usual something is done, by its name. */
  readonly often: Readonly<Record<string, number>>
  /** The same of all that is not named. Default 1; 0: it is not done. */
  readonly else?: number
  /** What is asked and followed. Default: anything. */
  readonly asks?: (query: Query) => boolean
  /** Which rules it begins with. */
  readonly rules?: number
  /** May the server be set back? */
  readonly maySetBack?: boolean
  /** Does anybody share a device? */
  readonly hasShared?: boolean
  /** Does anybody upload files? */
  readonly hasFiles?: boolean
  /** How much longer than others the server's disk takes. */
  readonly slowness?: number
  /** Do devices keep room in reserve, and their media fill up? */
  readonly fillsUp?: boolean
  /** Whoever changes a window lets what is in front leave it, one after the other, and nothing else. */
  readonly emptiesWindows?: true
  /** A copy that is about to learn what others did in its name writes as often in that moment. */
  readonly catchesUp?: true
  /** The newest protocol that anybody comes to speak. Default: the newest, and one device of a world the one before. */
  readonly newest?: number
  /** Copies may be made wrong so that they seem a little newer than they are. */
  readonly falsifiesByLittle?: true
}

/** Of two queries neither of which has all of the other. */
function isOneOfTwo({ collection, where, limit }: Query): boolean {
  const clauses = where[0] === 'and' ? where[1] : []
  const [only] = clauses
  return (
    collection === 'open' &&
    limit === undefined &&
    clauses.length === 1 &&
    only?.[0] === 'field' &&
    only[1] !== '_id'
  )
}

const calm = { write: 1, boot: 3, 'go online': 3, 'time passes': 2, 'much time passes': 2, subscribe: 3 }

export const settings = {
  /** Few documents are looked at at once, and those in front leave one after the other. */
  windows: {
    often: { ...calm, 'windows change behind a back': 60, 'operator shuffles': 0 },
    else: 0,
    asks: ({ limit, skip }) => limit !== undefined && limit + skip === 1,
    hasShared: false,
    rules: 0,
    emptiesWindows: true,
  },
  /** Elements without a name change places while somebody changes them. */
  marks: {
    often: { ...calm, 'arrange what has no name': 40 },
    else: 0,
    asks: ({ limit }) => limit === undefined,
    hasShared: false,
    rules: 0,
  },
  /** Rights of others than who writes change, and the disk takes long to say so. */
  members: {
    often: {
      ...calm,
      members: 30,
      'members change behind a back': 20,
      'wait for the server': 2,
      get: 3,
      operator: 4,
    },
    else: 0,
    asks: ({ collection }) => collection !== 'mine' && collection !== 'pages',
    hasShared: false,
    rules: 3,
    slowness: 8,
  },
  /** Rules change, everybody compares, and what is hidden by then is changed. */
  rules: {
    often: { ...calm, rules: 20, 'rules change among writes': 60, operator: 2 },
    else: 0,
    asks: ({ collection, limit }) => limit === undefined && collection !== 'pages',
    hasShared: false,
    slowness: 8,
  },
  /** Queries are let go when they are about to be whole. */
  'let go': {
    often: { ...calm, subscribe: 20, 'let go what is about to be whole': 60, operator: 4 },
    else: 0,
    asks: ({ collection, limit }) => limit === undefined && collection !== 'pages',
    hasShared: false,
  },
  /** Queries and windows of one collection come and go, also while rules refuse them and their first results are cut. */
  'come and go': {
    often: {
      ...calm,
      subscribe: 20,
      unsubscribe: 20,
      'let go what is on its way': 4,
      operator: 30,
      'windows change behind a back': 20,
      rules: 30,
      cut: 8,
      'disk fault': 8,
    },
    else: 0,
    asks: ({ collection }) => collection === 'open',
    slowness: 8,
    maySetBack: false,
    hasShared: false,
  },
  /** Who was cut off with writes on the way comes back when history has forgotten them. */
  forgotten: {
    often: { ...calm, write: 4, operator: 2, cut: 10, prune: 10 },
    else: 0,
    asks: ({ collection, limit }) => limit === undefined && collection !== 'pages',
    maySetBack: false,
    hasShared: false,
  },
  /** The server is set back, and who hears of it dies while they write that down. */
  'set back': {
    often: { ...calm, write: 3, operator: 4, 'server set back': 20, 'disk fault': 100 },
    else: 0,
    asks: ({ collection }) => collection !== 'pages',
    maySetBack: true,
    hasShared: false,
  },
  /** Who reads slowly is overruled, and follows what that is about while it waits to be told. */
  overruled: {
    often: { ...calm, operator: 4, 'overruled and followed': 60 },
    else: 0,
    asks: ({ collection, limit }) => collection === 'open' && limit === undefined,
    maySetBack: false,
    hasShared: false,
  },
  /** What is pushed, and what is told first, arrives twice, and nobody numbers frames. */
  again: {
    often: {
      ...calm,
      write: 4,
      operator: 4,
      subscribe: 20,
      unsubscribe: 10,
      repeat: 20,
      'mistreat a frame': 10,
    },
    else: 0,
    hasShared: false,
    newest: 4,
  },
  /** Media are full all the time, and what makes room is written all the same. */
  full: {
    often: { ...calm, 'medium fills up': 10, 'remove on a full medium': 10, 'disk fault': 1, compact: 1 },
    else: 0,
    maySetBack: false,
    hasShared: false,
    fillsUp: true,
  },
  /** Devices go on from what they were a moment ago. */
  copies: {
    often: {
      ...calm,
      write: 2,
      'power fails': 20,
      'write before it knows better': 20,
      restore: 3,
      backup: 3,
    },
    else: 0,
    maySetBack: false,
    hasShared: false,
    catchesUp: true,
  },
  /** The same, and what they wrote behind a file that nobody wants any more has moved up. */
  'copies with files': {
    often: {
      ...calm,
      write: 2,
      upload: 1,
      'name a file on its way': 4,
      'abort an upload': 6,
      'power fails': 20,
      restore: 6,
      backup: 6,
    },
    else: 0,
    maySetBack: false,
    hasShared: false,
    hasFiles: true,
  },
  /** Nothing is wrong, and what a query would match is changed while it is compared, for those who may see it and others. */
  checked: {
    often: { ...calm, 'write while it is compared': 60 },
    else: 0,
    asks: ({ collection, limit }) => limit === undefined && collection !== 'pages',
    maySetBack: false,
    hasShared: false,
    rules: 0,
    slowness: 8,
  },
  /** Copies are made wrong, and nothing else happens to them. */
  wrong: {
    often: { ...calm, write: 0, falsify: 40, 'write while it is compared': 4 },
    else: 0,
    asks: isOneOfTwo,
    maySetBack: false,
    hasShared: false,
    slowness: 8,
    falsifiesByLittle: true,
  },
} satisfies Record<string, Setting>

export type SettingName = keyof typeof settings

export function settingOf(name: string | undefined): Setting | undefined {
  if (name === undefined || name === '') return undefined
  if (Object.hasOwn(settings, name)) return settings[name as SettingName]
  throw new Error(`there is no setting "${name}": ${Object.keys(settings).join(', ')}`)
}
