import { type Area, absent, better, same } from '../entry.ts'

/** The other databases that look like wx.cloud's, other hosts, and other SDKs' wires. */
export const platforms: readonly Area[] = [
  {
    title: 'CloudBase (`@nearcloud/query/dialects`)',
    surface: 'CloudBase',
    rows: [
      same('collection command Geo serverDate RegExp createCollection', 'DIALECT-1 DIALECT-6'),
      absent('runTransaction startTransaction', 'in cloud functions, as in the original'),
    ],
  },
  {
    title: 'CloudBase: a collection and its queries',
    surface: 'CloudBase collection',
    rows: [
      same('add', 'DIALECT-1', '`{ id }`; a list only in a function'),
      same('doc where orderBy limit skip field', 'DIALECT-1 DIALECT-4'),
      same('get count', 'DIALECT-1 DIALECT-3', '100 documents without a limit, 1,000 at most'),
      same('update remove', 'DIALECT-1', '`{ updated }`, `{ deleted }`'),
      same('aggregate', 'DIALECT-7', '`{ data }`'),
      same('watch', 'DIALECT-5'),
      better('name', 'DIALECT-1', 'ours'),
      absent('options updateAndReturn', 'raw queries are refused; read after the update'),
    ],
  },
  {
    title: 'CloudBase: a document',
    surface: 'CloudBase document',
    rows: [
      same('get', 'DIALECT-1 DIALECT-2', 'a list of one or none'),
      same('field update set remove watch', 'DIALECT-1 DIALECT-5'),
      absent('create options updateAndReturn', '`collection.add` with an `_id`; read after the update'),
    ],
  },
  {
    title: 'CloudBase: errors',
    rows: [
      same(
        ['rejects with `code`, `message`, `requestId`'],
        'DIALECT-4',
        'as its newer versions; older ones resolve with them',
      ),
    ],
  },
  {
    title: 'Alipay (`@nearcloud/query/dialects`)',
    surface: 'Alipay',
    rows: [
      same('collection', 'DIALECT-8'),
      same('command', 'DIALECT-11'),
      better('Geo serverDate RegExp', 'DIALECT-8', 'the same as in wx.cloud'),
    ],
  },
  {
    title: 'Alipay: command',
    surface: 'Alipay command',
    rows: [same('eq neq gt gte lt lte in nin exists size and or not nor set inc', 'DIALECT-11')],
  },
  {
    title: 'Alipay: a collection and its queries',
    surface: 'Alipay collection',
    rows: [
      same('add', 'DIALECT-8', '`{ _id }`'),
      same('doc where orderBy limit skip field projection', 'DIALECT-9'),
      same('get', 'DIALECT-8', 'a bare list'),
      same('count', 'DIALECT-8', 'a number'),
      same('update remove', 'DIALECT-8', '`{ count }`'),
      better('name', 'DIALECT-8', 'ours'),
      better('watch', 'DIALECT-12', 'ours; snapshots as in wx.cloud'),
      absent('aggregate', 'not told of that database'),
    ],
  },
  {
    title: 'Alipay: a document',
    surface: 'Alipay document',
    rows: [
      same('get', 'DIALECT-8 DIALECT-10', 'bare; NOT_FOUND when it is missing'),
      same('field projection update set remove', 'DIALECT-8 DIALECT-9'),
      better('id watch', 'DIALECT-12', 'ours'),
    ],
  },
  {
    title: 'Hosts',
    rows: [
      better(['browsers: IndexedDB'], 'FILES-2 LOG-1', 'the original runs in WeChat alone'),
      better(['Node: SQLite'], 'LOG-1', 'the same client'),
      better(
        ['apps on RxDB: a collection in step with the server'],
        'RXDB-1 RXDB-2 RXDB-3 RXDB-4 RXDB-9 RXCLIENT-1 RXCLIENT-2',
        "with `@nearcloud/rxdb`, or RxDB's stock `replication-websocket` client, unmodified",
      ),
      better(
        ["WeChat's mini programs, offline too; `cloud.install(wx)`"],
        'MP-15 MP-16 MP-19 MP-39 MP-40',
        'in Taro and uni-app the same packages; `cloud.install(Taro)` makes it `Taro.cloud`',
      ),
      same(
        ['who uses WeChat is the user, by `wx.login`'],
        'MP-21 WXLOGIN-1',
        "documents carry WeChat's openid",
      ),
      same(
        [
          "Alipay's mini programs, offline too: `my.cloud.init`, `createCloudContext`, functions, files, database",
        ],
        'MP-33 MP-34 MP-36',
        '`@nearcloud/miniprogram/alipay`; one environment at a time',
      ),
      same(['who uses Alipay is the user, by `my.getAuthCode`'], 'MP-38 ALILOGIN-1'),
      absent(["`callContainer` of Alipay's cloud; uniCloud"], 'the original has it; not yet'),
    ],
  },
  {
    title: 'Official SDKs, unmodified, against this server',
    rows: [
      same(
        ['wx-server-sdk and @cloudbase/node-sdk (`database.*`, `functions.*`, `storage.*` actions)'],
        'OFFICIAL-1 OFFICIAL-2 OFFICIAL-3 OFFICIAL-4 OFFICIAL-5 OFFICIAL-6 OFFICIAL-7 OFFICIAL-12',
        'with a key of the server; functions get our own drop-in for the name, or the one that is installed for them',
      ),
      same(
        ['`watch` of @cloudbase/node-sdk (`auth.wsWebSign`)'],
        'OFFICIAL-21',
        'of the operator: everything',
      ),
      same(['`accessKey` of @cloudbase/node-sdk'], 'OFFICIAL-25', 'a key of the server, shown whole'),
      same(
        ['`storage.batchCopyFile` (`copyFile`)'],
        'OFFICIAL-26',
        'as one who reads and uploads, under the rules for both',
      ),
      same(
        ['@cloudbase/js-sdk: signing in, database, watch, functions, files (gateway mode)'],
        'OFFICIAL-14 OFFICIAL-15 OFFICIAL-16 OFFICIAL-17 OFFICIAL-19',
        'as its user, under the rules',
      ),
      same(['@cloudbase/js-sdk: transactions'], 'OFFICIAL-22 OFFICIAL-23', 'as its user, under the rules'),
      same(['@cloudbase/js-sdk: `CLOUD_API` mode'], 'OFFICIAL-24', 'as its user, under the rules'),
      absent(['laf-client-sdk, database-ql, @cloudbase/wx-cloud-client-sdk'], 'not planned'),
    ],
  },
]
