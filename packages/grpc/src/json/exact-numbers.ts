// A text, or a whole number of sixteen digits and more: such may be beyond what JavaScript can hold.
const tokens = /"(?:[^"\\]|\\.)*"|-?\d{16,}(?![\d.eE])/g

/**
 * JSON in which whole numbers that JavaScript would round stand as texts, which is how Protocol Buffers write 64 bits: a client
 * whose language has such numbers writes them as they are, and they would arrive as others.
 */
export function exactNumbers(json: string): string {
  if (!/\d{16}/.test(json)) return json
  return json.replace(tokens, (token) => (token.startsWith('"') || Number.isSafeInteger(Number(token)) ? token : `"${token}"`))
}
