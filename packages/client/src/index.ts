export type { HttpRequest, HttpResponse, Platform } from './platform.ts'
