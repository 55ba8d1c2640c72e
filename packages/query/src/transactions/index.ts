/* Transactions, for whoever stands beside the server: functions and the operator's code. No client loads this. */
export { EndableTransaction, type OpenTransaction, Transaction } from './transaction.ts'
export { type TransactionalDatabase, transactionsOf, withTransactions } from './with-transactions.ts'
