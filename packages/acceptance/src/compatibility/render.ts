import type { Area, Row, Status } from './entry.ts'

/** The page of a table, as Markdown. */
export function render(table: readonly Area[]): string {
  const names = table.flatMap(({ rows }) => rows)
  const count = (status: Status) =>
    names.filter(row => row.status === status).reduce((total, row) => total + row.names.length, 0)
  return `# Compatibility

The original's API (wx.cloud, wx-server-sdk, and the databases of CloudBase and Alipay), part by part: the **same** here, **better**
(and how), or **absent** (and why). ${count('same')} are the same, ${count('better')} better, ${count('absent')} absent. The last column names the rules that say it:
they are in the \`SPEC.md\` files of the packages, and in the titles of the tests that show them.

This page is made from \`packages/acceptance/src/compatibility/table.ts\`. A test compares the two, and the table with the real objects
in both directions; after a change of the table, \`npx vitest run -u packages/acceptance/src/compatibility\` writes the page anew.

${table.map(section).join('\n')}`
}

function section({ title, surface, rows }: Area): string {
  const lines = rows.map(
    row =>
      `| ${cells(row, surface !== undefined)
        .map(cell)
        .join(' | ')} |`,
  )
  return `## ${title}

| | here | how, why | shown by |
|---|---|---|---|
${lines.join('\n')}
`
}

/** Names of a real object are code; what is said in words has its own. */
function cells({ names, status, note, rules }: Row, areNames: boolean): string[] {
  const said = areNames ? names.map(name => `\`${name}\``).join(' ') : names.join('; ')
  return [said, status, note, rules.join(' ')]
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|')
}
