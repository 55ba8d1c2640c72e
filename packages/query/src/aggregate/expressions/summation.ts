/** A sum that keeps what rounding loses (Neumaier), so that 0.1 + 0.2 + 0.3 is 0.6 whatever the order. */
export class Summation {
  #sum = 0
  #lost = 0

  add(number: number): void {
    const sum = this.#sum + number
    this.#lost +=
      Math.abs(this.#sum) >= Math.abs(number) ? this.#sum - sum + number : number - sum + this.#sum
    this.#sum = sum
  }

  get total(): number {
    // what an infinity loses is no number
    return Number.isFinite(this.#sum) ? this.#sum + this.#lost : this.#sum
  }
}
