/** How many of the documents match. */
export function count(documents, matches) {
  let found = 0
  for (const document of documents) if (matches(document)) found++
  return found
}
