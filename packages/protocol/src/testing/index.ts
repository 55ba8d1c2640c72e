export { arbitraryFields, arbitraryKey, arbitraryValue } from './arbitrary-values.ts'
