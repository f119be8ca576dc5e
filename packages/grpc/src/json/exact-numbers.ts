const [quote, minus, backslash] = [0x22, 0x2d, 0x5c]
const isDigit = (code: number) => code >= 0x30 && code <= 0x39
const number = /-?\d*(?:\.\d+)?(?:[eE][+-]?\d+)?/y

/**
 * JSON in which whole numbers that JavaScript would round stand as texts, which is how Protocol Buffers write 64 bits: a client
 * whose language has such numbers writes them as they are, and they would arrive as others.
 *
 * By hand, since an expression for the texts of JSON takes quadratic time for one that has no end.
 */
export function exactNumbers(json: string): string {
  if (!/\d{16}/.test(json)) return json
  let out = ''
  let from = 0
  for (let at = 0; at < json.length; ) {
    const code = json.charCodeAt(at)
    if (code === quote) {
      at = endOfText(json, at)
    } else if (code === minus || isDigit(code)) {
      const token = numberAt(json, at)
      if (isRounded(token)) {
        out += `${json.slice(from, at)}"${token}"`
        from = at + token.length
      }
      at += token.length
    } else {
      at++
    }
  }
  return out + json.slice(from)
}

function endOfText(json: string, start: number): number {
  for (let at = start + 1; at < json.length; at++) {
    const code = json.charCodeAt(at)
    if (code === quote) return at + 1
    if (code === backslash) at++
  }
  return json.length
}

/** At least one character. */
function numberAt(json: string, at: number): string {
  number.lastIndex = at
  return number.exec(json)?.[0] || json.charAt(at)
}

const isRounded = (token: string) => token.length >= 16 && /^-?\d+$/.test(token) && !Number.isSafeInteger(Number(token))
