import { IDBFactory } from 'fake-indexeddb'

/** A factory whose connections a test can get at; `meet` is called with each new one. */
export function watchedFactory(meet: (connection: IDBDatabase) => void): IDBFactory {
  const factory = new IDBFactory()
  const open = factory.open.bind(factory)
  factory.open = (name: string, version?: number) => {
    const request = open(name, version)
    request.addEventListener('success', () => meet(request.result))
    return request
  }
  return factory
}

/** `change` is what a transaction of this connection becomes before it is used. */
export function onWrite(connection: IDBDatabase, change: (transaction: IDBTransaction) => void): void {
  const begin = connection.transaction.bind(connection)
  connection.transaction = (names, mode, options) => {
    const transaction = begin(names, mode, options)
    if (mode === 'readwrite') change(transaction)
    return transaction
  }
}

/**
 * A factory on a medium that has room or not, as in Chromium: without room, what adds a record is aborted after its requests succeeded,
 * and what deletes, and other databases with their object stores, are let pass.
 */
export function limitedFactory() {
  const medium = { isFull: false }
  const factory = watchedFactory(connection => onWrite(connection, transaction => limit(transaction, medium)))
  return { medium, factory }
}

function limit(transaction: IDBTransaction, medium: { readonly isFull: boolean }): void {
  if (!medium.isFull) return
  const store = transaction.objectStore('records')
  const add = store.add.bind(store)
  let waiting = 0
  const abort = () => {
    try {
      transaction.abort()
    } catch {
      // whoever made it has done so
    }
  }
  store.add = value => {
    if (waiting++ === 0) {
      Object.defineProperty(transaction, 'error', { value: new DOMException('', 'QuotaExceededError') })
      transaction.commit = () => undefined
    }
    const request = add(value)
    request.addEventListener('success', () => --waiting === 0 && queueMicrotask(abort))
    return request
  }
}
