import { mkdir, open, readdir, rename, rm, stat } from 'node:fs/promises'
import type { Readable } from 'node:stream'
import { syncFolder } from './sync-folder.ts'

/** What files need of a disk, in the words of `node:fs/promises`: names, and bytes that are durable when they were synced. */
export interface Disk {
  mkdir(path: string, options: { recursive: true; mode: number }): Promise<unknown>
  open(path: string, flags: string, mode?: number): Promise<OpenFile>
  readdir(path: string): Promise<string[]>
  rename(from: string, to: string): Promise<void>
  rm(path: string, options: { force: true }): Promise<void>
  stat(path: string): Promise<{ readonly size: number; readonly mtimeMs: number; isFile(): boolean }>
  /** Makes the names in a folder durable: what was made, renamed or removed in it. */
  syncFolder(path: string): Promise<void>
}

export interface OpenFile {
  stat(): Promise<{ readonly size: number }>
  /** The bytes from `offset` on go behind what is there, or not all of them. */
  write(bytes: Uint8Array, offset: number): Promise<{ readonly bytesWritten: number }>
  read(
    into: Uint8Array,
    offset: number,
    length: number,
    position: number,
  ): Promise<{ readonly bytesRead: number }>
  utimes(atime: number, mtime: number): Promise<void>
  sync(): Promise<void>
  close(): Promise<void>
  /** Owns the file from then on. */
  createReadStream(range: { start: number; end: number }): Readable
}

/** The machine's. */
export const nodeDisk: Disk = {
  ...{ mkdir, open, readdir, rename, rm, stat },
  syncFolder: path => syncFolder(path),
}
