import { type Area, absent, better, refused, same } from '../entry.ts'

/** What an app calls. */
export const client: readonly Area[] = [
  {
    title: 'wx.cloud',
    surface: 'cloud',
    rows: [
      better('init', 'INIT-2 INIT-3', 'takes `endpoint`, the address of your server; opens the local store'),
      better('database', 'INIT-3 INIT-7', 'answers from the local store, with or without a network'),
      same('callFunction', 'CALLS-1 CALLS-2'),
      better(
        'uploadFile',
        'FILES-1 FILES-2 FILES-3 FILES-15 FILES-16 FILES-18',
        'waits offline in a durable queue, and goes on where it broke; writes that name it come after it, or are rejected with it',
      ),
      better('downloadFile', 'FILES-9 FILES-10', 'also of a file that has not left yet'),
      same('getTempFileURL deleteFile', 'FILES-11 FILES-12'),
      better('ready whenSynced status on', 'STATE-1 SYNC-1', 'ours: what an offline app wants to know'),
      better('goOffline goOnline close', 'STATE-1 STATE-4', 'ours'),
      better('auth', 'IDENTITY-10 IDENTITY-11', 'CloudBase’s, for a device with several users, offline too'),
      better(
        'presence',
        'PRESENCE-1 PRESENCE-2',
        'ours: who else is in a room, and what they say of themselves',
      ),
      better(
        'editorRoom',
        'GATEWAY-1 GATEWAY-3',
        'ours: where an unmodified y-websocket editor finds a text',
      ),
      better('subscribe isPending', 'STATE-1 STATE-3', 'ours: documents kept in step'),
      better(
        'rejections',
        'REJECTIONS-1 REJECTIONS-2 REJECTIONS-3',
        'ours: refused writes with their reasons, to be tried again, edited or discarded',
      ),
      better(
        'storage',
        'STORAGE-1 STORAGE-2 STORAGE-3',
        'ours: how safe what is stored here is, and what was lost',
      ),
      absent('Cloud', 'environments of other accounts: a cloud has one server'),
      absent('CloudID CDN', 'they name things inside WeChat’s own network'),
      absent('callContainer connectContainer', 'there are no containers: a function, or your own server'),
      absent('DYNAMIC_CURRENT_ENV', 'of the server SDK only, as in the original'),
    ],
  },
  {
    title: 'cloud.auth(): CloudBase’s, where WeChat knows its users by itself',
    surface: 'auth',
    rows: [
      better(
        'signInAnonymously anonymousAuthProvider',
        'IDENTITY-10 IDENTITY-17',
        'a device is anonymous at once, without a network too; back to the same anonymous user',
      ),
      better(
        'signInWithCustomTicket setCustomSignFunc customAuthProvider',
        'IDENTITY-11 IDENTITY-12 SIGNIN-2',
        '`anonymousData`: keep, merge or discard; a ticket is good once',
      ),
      better(
        'signOut',
        'IDENTITY-18',
        'seals the local store, or removes it (`wipe`); the device is anonymous afterwards, never without a user',
      ),
      same('getAccessToken', 'CALLS-9', 'for two hours, in memory'),
      same('getLoginState hasLoginState currentUser', 'IDENTITY-10 IDENTITY-19'),
      same('onLoginStateChanged onLoginStateExpired', 'IDENTITY-11 IDENTITY-19'),
      better('switchTo users', 'IDENTITY-17', 'ours: users who are on this device, without a network'),
      same(
        'signIn signInWithPassword signInWithUsernameAndPassword',
        'IDENTITY-27 PASSWORD-8',
        'one result for all, that of CloudBase’s `signIn`; `anonymousData` as with tickets',
      ),
      better(
        'signUp',
        'IDENTITY-28',
        'without e-mail or phone, where the server lets strangers make accounts',
      ),
      better(
        'signInWithToken',
        'ISSUER-10 ISSUER-1',
        'ours: by the token of an issuer that the server knows',
      ),
      same('setPassword', 'IDENTITY-29 PASSWORD-9', 'ends all other sessions'),
      refused(
        'signInWithEmailAndPassword signInWithPhoneCode signInWithProvider',
        'not yet: a cloud function looks at who it is and makes a ticket',
      ),
    ],
  },
  {
    title: 'Options, calls, results',
    rows: [
      same(
        ['`init({ env })`, a name or an object', 'the last `init` wins', 'use before `init`'],
        'INIT-1 INIT-4',
      ),
      absent(['`traceUser`'], 'accepted, without effect: there is no console that lists visitors'),
      same(
        ['`config: { env }` of a call'],
        'INIT-7',
        'a server has one environment: another name is INVALID_ENV',
      ),
      same(['`success`, `fail`, `complete`, or a promise'], 'API-5 API-11 API-12 CALLS-3'),
      same(['`errMsg` of results: `document.get:ok`, `cloud.callFunction:ok`'], 'API-1 CALLS-1'),
      better(
        ['results of writes'],
        'PUSH-1',
        '`pending: true` while the server has not answered; durable here all the same',
      ),
      better(
        ["`{ wait: 'server' }` of a write"],
        'WRITES-1 WRITES-2',
        'ours: resolves when the server has accepted, rejects when it refuses',
      ),
      better(
        ['`init({ subscribe })`'],
        'INIT-6 INIT-9 SUB-3',
        'ours: what is kept on the device for good, the most urgent first',
      ),
      better(
        ['`init({ cache })`'],
        'INIT-10 CACHE-1',
        'ours: how much is kept of what nobody follows any more',
      ),
      better(['results of reads'], 'INIT-6', '`fromCache: true` when nothing vouches for them'),
      same(
        ['`get()` gives 20 documents, at most 20 (client); 100 and 1,000 (function)'],
        'API-4',
        '`init({ queryLimits })` raises the client’s',
      ),
      better(['512 KB of data in a write'], 'DOC-2', 'a document has at most 1 MB and 64 levels'),
      better(['20 MB of a file'], 'FILES-7', '100 MB'),
      same(['50 files in `getTempFileURL` and `deleteFile`'], 'FILES-12'),
      absent(['1 MB of a `get()`'], 'answered from the local store, which has no such limit'),
    ],
  },
  {
    title: 'UploadTask',
    surface: 'UploadTask',
    rows: [
      same(
        'abort onProgressUpdate offProgressUpdate onHeadersReceived offHeadersReceived',
        'CALLS-3 FILES-6',
      ),
    ],
  },
  {
    title: 'DownloadTask',
    surface: 'DownloadTask',
    rows: [same('abort onProgressUpdate offProgressUpdate onHeadersReceived offHeadersReceived', 'CALLS-3')],
  },
  {
    title: 'db = wx.cloud.database()',
    surface: 'database',
    rows: [
      same('collection', 'API-1 API-7 DOC-4', 'a name does not begin with `_`: those are the server’s'),
      same('command', 'WHERE-2'),
      same('serverDate', 'DATA-4 DATA-13', 'on a device an estimate until the commit'),
      same('Geo', 'DATA-17'),
      better('RegExp', 'DATA-6 REGEX-7', 'runs in linear time; back-references and look-around are refused'),
      better(
        'createCollection',
        'API-10',
        'never needed: the first document makes a collection; functions only, as in the original',
      ),
      better(
        'Text',
        'TEXTFIELD-1 GATEWAY-1',
        'ours: a text that several edit at once, character by character',
      ),
      better('batch', 'API-19 API-20 WRITES-5', 'ours: several writes, all or none, on both sides'),
      absent(
        'runTransaction startTransaction',
        'in cloud functions, as in the original; here an update of one document, one `where().update()` and a `batch()` are atomic',
      ),
      absent('config', 'of the SDK’s own making'),
    ],
  },
  {
    title: 'db.Geo',
    surface: 'Geo',
    rows: [
      same(
        'Point LineString Polygon MultiPoint MultiLineString MultiPolygon',
        'DATA-17',
        'parts are in `coordinates`; a Point has `longitude` and `latitude`',
      ),
    ],
  },
  {
    title: 'A collection',
    surface: 'collection',
    rows: [
      same('doc', 'API-7 DOC-3'),
      same('add', 'API-1 API-6 EFFECT-1', 'a list only in a function'),
      better('createIndex', 'API-16 INDEX', 'the guide’s call, which the original does not have'),
      better('dropIndex listIndexes', 'API-16', 'ours'),
      same('collectionName', 'MP-14'),
      better('name', 'DIALECT-1', 'ours'),
    ],
  },
  {
    title: 'A query (collections too)',
    surface: 'query',
    rows: [
      same('where', 'WHERE-1 WHERE-3', 'the last one wins'),
      same('orderBy limit skip', 'API-4 API-7 SORT-1'),
      same('field', 'PROJECT-1 PROJECT-2 FIELD-1 FIELD-2'),
      same('get count', 'API-1 API-4'),
      same(
        'update remove',
        'WHERE-6',
        'without a `where()` refused; `where({})` means all; limit and skip do not count',
      ),
      better('watch', 'API-8 READ-8', 'tells local writes at once, and works offline'),
      same('aggregate', 'STAGE'),
      better('explain', 'INDEX', 'ours: how a query is answered, and at what cost'),
      better(
        'subscribe',
        'API-21 STATE-6 SUB-1',
        'ours: keeps what matches on this device, and tells its progress',
      ),
      better('toQuery', 'STATE-3', 'ours: the question as plain data, for `cloud.subscribe`'),
    ],
  },
  {
    title: 'A document',
    surface: 'document',
    rows: [
      better('text', 'GATEWAY-1', 'ours: the editor of such a text, offline too'),
      same('get', 'API-3', 'of a missing document rejects, or is null with `throwOnNotFound: false`'),
      same('update', 'API-2 DATA-14', '`updated` counts documents found, changed or not'),
      same('set', 'API-2 EFFECT-3', 'keeps the stored `_openid`'),
      same('remove', 'API-2', 'of a missing document `removed: 0`, on both sides'),
      same('field', 'FIELD-1'),
      better('watch', 'API-14', 'tells local writes at once, and works offline'),
      better('id toQuery', 'API-1', 'ours'),
    ],
  },
  {
    title: 'watch',
    rows: [
      same(['`onChange` and `onError`, both needed', '`close()`'], 'API-14 API-15'),
      better(
        ['with `orderBy` and `limit`'],
        'RESULT-4 READ-7',
        '32 keys and any number of documents; the original has 5 and 200',
      ),
      same(['no `skip`, no `field`'], 'API-15'),
      same(['`queueType` and `dataType` of every change, `limit` among them'], 'RESULT-2 RESULT-4 RESULT-5'),
      same(['one snapshot for one commit, none for what does not concern it'], 'RESULT-1'),
      better(['copies'], 'API-14', 'dates and geometries stay what they are'),
      better(
        ['a broken connection'],
        'LINK-1 RESUME-1',
        'no error: the watch goes on with what is here, and with all it missed after',
      ),
      better(
        ['rights that are lost'],
        'GREET-3',
        'what may not be read any more leaves the result, and the watch goes on',
      ),
      absent(['an error above 5,000 documents'], 'a result may be as large as the local store'),
    ],
  },
  {
    title: 'A snapshot',
    surface: 'snapshot',
    rows: [same('id type docs docChanges', 'API-14')],
  },
  {
    title: 'A change in a snapshot',
    surface: 'docChange',
    rows: [same('id queueType dataType docId doc updatedFields removedFields', 'API-14 RESULT-3')],
  },
]
