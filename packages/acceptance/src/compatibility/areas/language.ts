import { type Area, absent, better, same } from '../entry.ts'

/** What a condition, an update and a value mean. */
export const language: readonly Area[] = [
  {
    title: '_ = db.command',
    surface: 'command',
    rows: [
      same('eq', 'MATCH-1'),
      same('neq in nin', 'MATCH-3'),
      same('gt gte lt lte', 'MATCH-4 MATCH-5'),
      same('exists', 'MATCH-2'),
      same('mod', 'MATCH-12 WHERE-7'),
      same('all', 'MATCH-13 WHERE-7'),
      same('size', 'MATCH-14 WHERE-7'),
      same('elemMatch', 'MATCH-15 WHERE-7'),
      better(
        'geoNear geoWithin geoIntersects',
        'MATCH-10 GEO-1 GEO-7 WHERE-9',
        'need no index, and work offline',
      ),
      same('and or not nor', 'MATCH-8 WHERE-13'),
      same('expr', 'WHERE-15'),
      same('aggregate', 'EXPR', 'below, as `$`'),
      same('project', 'FIELD-1 FIELD-2'),
      same('set', 'DATA-14'),
      same('remove', 'UPDATE-4'),
      same('rename', 'UPDATE-15 DATA-8', 'not through an array'),
      same('inc', 'UPDATE-5'),
      same('mul', 'UPDATE-12'),
      same('min max', 'UPDATE-13'),
      same('bit', 'UPDATE-14', 'integers of 64 bits'),
      same('push', 'UPDATE-6 UPDATE-17 DATA-9'),
      same('unshift', 'DATA-9'),
      same('pop shift', 'UPDATE-19'),
      same('addToSet', 'UPDATE-6 DATA-3', '`{ each }` and `{ $each }` add each'),
      same('pull', 'UPDATE-20 DATA-10'),
      same('pullAll', 'UPDATE-20'),
      absent('text', 'needs an index of words; in practice the original has none either'),
      absent('jsonSchema', 'of the server SDK; say what a field is with the commands'),
    ],
  },
  {
    title: '_.project',
    surface: 'project',
    rows: [same('slice', 'FIELD-1'), same('elemMatch', 'FIELD-2')],
  },
  {
    title: 'What may follow a command on a value: `_.gt(1).lt(5)`',
    surface: 'chain',
    rows: [
      same('eq neq gt gte lt lte in nin and or', 'WHERE-14'),
      same('exists mod all elemMatch size nor not', 'WHERE-14', 'as the public typings have it'),
      same('geoNear geoWithin geoIntersects', 'WHERE-9 WHERE-14'),
    ],
  },
  {
    title: 'What may follow a logic command: `_.or(…).and(…)`',
    surface: 'logic',
    rows: [
      same('and or', 'WHERE-14'),
      same('nor not', 'WHERE-14', 'as the public typings have it; `a.not(b)` is a and not b'),
    ],
  },
  {
    title: 'where()',
    rows: [
      same(
        [
          "objects leaf by leaf: `{ a: { b: 1 } }` is `{ 'a.b': 1 }`",
          '`_.eq({ b: 1 })` whole, in the order of its fields',
        ],
        'WHERE-1 WHERE-16 ORDER-5',
      ),
      same(['paths, indexes, paths through arrays'], 'MATCH-6 WHERE-16'),
      same(['`{ a: null }`: null or missing'], 'MATCH-2'),
      same(
        ['undefined is left out; all undefined is refused', '`{ a: {} }` says nothing', '`{}` is everything'],
        'WHERE-12',
      ),
      same(['what is no object is refused', 'a logic command as the whole condition'], 'WHERE-4 WHERE-2'),
      better(
        [
          'two fields with `_.or`; `_.or(1, 2)`; `_.not(_.or(…))`; `_.elemMatch({ a: _.gt(1).and(_.lt(5)) })`',
        ],
        'WHERE-13',
        'the original’s serialiser garbles them',
      ),
      same(['`_.expr(…)`, whole or spread'], 'WHERE-15'),
      same(['`$.gte(date)` for `_.gte(date)`'], 'WHERE-16'),
      better(
        ['regular expressions'],
        'DATA-6 REGEX-7',
        'linear time, the same on every device; without look-around and back-references',
      ),
      better(
        ['a server date in a condition'],
        'WHERE-5 WHERE-11',
        'the server’s time as the device knows it',
      ),
      better(['a Geo Point as a value'], 'WHERE-16', 'equal by its coordinates, reliably'),
      same(['`{openid}`'], 'READ-12'),
      absent(
        ['raw operators: `{ a: { $gt: 1 } }`'],
        'refused: what came from a stranger as data must not become an operator',
      ),
    ],
  },
  {
    title: 'Data of add, set, update',
    rows: [
      same(['undefined, functions and symbols are dropped, and null in arrays'], 'DATA-1 DATA-13 VALUE-3'),
      same(
        ['null, NaN, infinities, dates, regular expressions, geometries, plain GeoJSON'],
        'DATA-13 VALUE-1',
      ),
      better(['bytes (Uint8Array)'], 'VALUE-1', 'stored as they are'),
      same(['a server date anywhere; all of one write are one instant'], 'DATA-13 UPDATE-7'),
      same(['update merges objects leaf by leaf; arrays and `_.set(…)` replace'], 'DATA-14 UPDATE-1'),
      same(['`{}` in an update changes nothing'], 'DATA-14', 'alone it is refused as empty data'),
      same(['indexes in paths; a removed element is null'], 'DATA-14 UPDATE-3 UPDATE-4'),
      same(['a parent that is null or a scalar is -502001'], 'UPDATE-2 DATA-15'),
      same(['two operators on one path, or one in the other, are -502001'], 'CHECK-4 DATA-12'),
      same(
        ['operators in add and set; keys that begin with `$`; a duplicate `_id`: -502001'],
        'DATA-15 EFFECT-1',
      ),
      same(['`_id` in update or set: -501007'], 'DATA-15 CHECK-2'),
      better(['no data, empty data'], 'DATA-15', 'the original’s words with -501007, where it says -1'),
      same(['a circle: -402001'], 'DATA-16'),
      same(['`_id`: text or number, given or 32 hex digits'], 'API-1 ID-1'),
      same(['`_openid`: written by the server, refused from a client'], 'COMMIT-1 COMMIT-2'),
      same(['`_openid` in what a function writes'], 'COMMIT-25 CHECK-3'),
      absent(
        ['raw operators: `{ $set: { a: 1 } }`, which the server SDK passes on'],
        'refused, as in a condition: what came as data must not become an operator',
      ),
      better(
        ['edits made apart'],
        'MERGE-1 MERGE-9 MERGE-11 MERGE-16',
        'merged: counters add up, every pushed element is kept, of two edits of one field the later stays',
      ),
    ],
  },
]
