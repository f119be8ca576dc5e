import { GatewayError, type IncomingRequest } from '@gatelet/core'

/**
 * The `Via` that the upstream gets (RFC 9110 §7.6.3): what came, and this proxy behind it.
 * @param before what came, fields joined by commas; empty for none
 * @param name of this proxy; undefined: it stays out
 * @throws GatewayError `LOOP_DETECTED` when it has been through here already
 */
export function ownVia(before: string, protocol: IncomingRequest['protocol'], name: string | undefined): string {
  if (name === undefined) return before
  const own = `${protocol === '2' ? '2.0' : protocol} ${name}`
  if (before === '') return own
  if (hasBeenAt(before, name.toLowerCase())) throw new GatewayError('LOOP_DETECTED')
  return `${before}, ${own}`
}

function hasBeenAt(via: string, lowerCaseName: string): boolean {
  const lower = via.toLowerCase()
  // Each element is a protocol, a name and perhaps a comment.
  return (
    lower.includes(lowerCaseName) &&
    withoutComments(lower)
      .split(',')
      .some((element) => nameIn(element) === lowerCaseName)
  )
}

const nameIn = (element: string) => element.trim().split(/\s+/)[1]

// Comments nest, and may hold commas and names.
function withoutComments(text: string): string {
  let kept = ''
  let depth = 0
  for (let at = 0; at < text.length; at++) {
    const char = text[at]
    if (char === '(') depth++
    else if (char === ')' && depth > 0) depth--
    else if (char === '\\' && depth > 0) at++
    else if (depth === 0) kept += char
  }
  // One that does not end hides nothing.
  return depth === 0 ? kept : text
}
