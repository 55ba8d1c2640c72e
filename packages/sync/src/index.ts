export type { Connection, Transport, TransportListener } from './transport.ts'
