export { firstUser, signInKnown } from './known-user.ts'
export { changePassword, signInByPassword, ticketFor } from './password-doors.ts'
export { signInByTicket } from './sign-in.ts'
