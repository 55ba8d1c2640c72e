export { arbitraryFields, arbitraryKey, arbitraryValue } from './arbitrary-values.ts'
export { misfit } from './fits-shape.ts'
