export { attackedState, attacks, catalogue, mine, victim, written } from './attacks.ts'
export { Dice } from './dice.ts'
export { type Habit, HonestEditor, placeIn, richHabits, textHabits } from './honest-editors.ts'
