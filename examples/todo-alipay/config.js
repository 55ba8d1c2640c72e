/** Where `pnpm start` in the project's root says its server is. On a phone: an address that is registered for the mini program. */
export const endpoint = 'http://127.0.0.1:4321'
