/** What one expression may make and do. */
export const mostElements = 1_000_000
export const mostTextBytes = 16 * 1_048_576
/** For one document: about elements copied, rounds of a loop, and values looked at. */
export const mostSteps = 20_000_000
/** The same for a condition (`_.expr`), which is computed of whatever might match. */
export const mostStepsOfCondition = 200_000
