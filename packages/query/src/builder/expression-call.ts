/** What `$.add('$a', 1)` makes: an operator of an aggregation and its argument. */
export class ExpressionCall {
  readonly operator: string
  readonly argument: unknown

  constructor(operator: string, argument: unknown) {
    this.operator = operator
    this.argument = argument
    Object.freeze(this)
  }
}
