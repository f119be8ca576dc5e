const needed = new Set([
  ...['age', 'cache-control', 'date', 'expires', 'vary'],
  ...['content-encoding', 'content-range', 'content-type'],
])

/**
 * Whether what is stored needs a field: the rules go by it, or the body is read by it. Without it another response would be
 * stored than the one that came.
 * @param name in lower case
 * @param targets names of targeted fields
 */
export const isNeeded = (name: string, targets: readonly string[]): boolean => needed.has(name) || targets.includes(name)
