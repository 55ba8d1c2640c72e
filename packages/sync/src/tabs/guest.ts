export { createGuestSync, type GuestSync, type GuestSyncOptions } from './create-guest-sync.ts'
