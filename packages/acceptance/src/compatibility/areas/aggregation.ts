import { type Area, absent, better, refused, same } from '../entry.ts'

export const aggregation: readonly Area[] = [
  {
    title: 'Stages: db.collection(…).aggregate()',
    surface: 'stages',
    rows: [
      same('match project addFields group sort limit skip unwind', 'STAGE'),
      same('lookup', 'STAGE', 'by fields or by a pipeline'),
      same('replaceRoot bucket bucketAuto sortByCount count sample', 'STAGE'),
      better('geoNear', 'STAGE', 'needs no index'),
      same('end', 'STAGE', 'on a client 20 documents come unless a `limit` says otherwise'),
      same('done', 'STAGE', 'ends the pipeline of a lookup'),
      absent('collStats indexStats', 'of the engine the original runs on'),
      absent('facet graphLookup out redact', 'they fail in the original too'),
    ],
  },
  {
    title: '$ = db.command.aggregate',
    surface: 'expressions',
    rows: [
      same('abs add ceil divide exp floor ln log log10 mod multiply pow sqrt subtract trunc', 'EXPR'),
      same('arrayElemAt arrayToObject concatArrays filter in indexOfArray isArray map', 'EXPR'),
      same('objectToArray range reduce reverseArray size slice zip', 'EXPR'),
      same('and or not cmp eq neq gt gte lt lte cond ifNull switch', 'EXPR'),
      same('dateFromParts dateFromString dateToParts dateToString', 'EXPR'),
      same('year month week hour minute second millisecond dayOfMonth dayOfWeek dayOfYear', 'EXPR'),
      same('isoDayOfWeek isoWeek isoWeekYear', 'EXPR'),
      same('literal let mergeObjects', 'EXPR'),
      same('allElementsTrue anyElementTrue', 'EXPR'),
      same('setDifference setEquals setIntersection setIsSubset setUnion', 'EXPR'),
      same('concat indexOfBytes indexOfCP split strLenBytes strLenCP strcasecmp', 'EXPR'),
      same('substr substrBytes substrCP toLower toUpper trim ltrim rtrim', 'EXPR'),
      same('sum avg max min stdDevPop stdDevSamp', 'EXPR', 'of a group, and of arrays'),
      same('push addToSet first last', 'EXPR', 'of a group'),
      same('convert type toBool toDate toDouble toInt toLong toString', 'EXPR'),
      same('toDecimal', 'EXPR', 'gives a double: there are no decimals'),
      same('toObjectId', 'EXPR', 'an id is the text of 24 hexadecimal digits that it is'),
      refused('meta', 'there is no text search whose score it could tell'),
      same('pipeline', 'STAGE', 'for `lookup({ pipeline })`'),
    ],
  },
]
