export { FileStorage } from './file-storage.ts'
