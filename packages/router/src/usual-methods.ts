/** The methods of RFC 9110 §9.3 and RFC 5789 that a resource may have; what takes every method is told to have these. */
export const usualMethods: readonly string[] = ['DELETE', 'GET', 'HEAD', 'OPTIONS', 'PATCH', 'POST', 'PUT']

const standard = new Set([...usualMethods, 'CONNECT', 'TRACE'])

/** Whether the method is a standard one, so that a resource without it is 405 and not 501. */
export function isUsual(method: string): boolean {
  return standard.has(method)
}
