export { RxdbStorage, type RxdbStorageOptions } from './rxdb-storage.ts'
