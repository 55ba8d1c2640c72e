/**
 * What is wrong with a version of SQLite, in words; undefined: nothing that is known. Before 3.51.3 a write-ahead log that is begun anew while
 * another connection writes can damage the database; 3.52.0 was withdrawn.
 */
export function sqliteFault(version: string): string | undefined {
  const [major = 0, minor = 0, patch = 0] = version.split('.').map(Number)
  const isSound =
    major > 3 || (major === 3 && (minor > 52 || (minor === 51 && patch >= 3) || (minor === 52 && patch > 0)))
  return isSound ? undefined : `SQLite ${version} can damage a database: 3.51.3 is the first that is used`
}
