import { type Check, options } from '@gatelet/core'

/** Finds the key of the route for a message. Undefined: it names none. */
export type Selection = (body: unknown) => string | undefined

type Part = string | readonly string[]

const path = /\$request\.body((?:\.[\w$-]+|\[\d+\])+)/y

/**
 * A route selection expression, in the style of the AWS WebSocket API: `$request.body.action`, `${request.body.action}`, with
 * several of them and text between, such as `${request.body.service}/${request.body.action}`. A part that a message does not have,
 * or that is an object or a list there, makes it name no route.
 * @throws GatewayError `BAD_OPTION`
 */
export function selectionOf(expression: string): Selection {
  const parts = partsOf(expression)
  return (body) => {
    let key = ''
    for (const part of parts) {
      const found = typeof part === 'string' ? part : valueAt(body, part)
      if (found === undefined) return undefined
      key += found
    }
    return key
  }
}

/** An expression that can be read. */
export const selectionCheck: Check<string> = (value, path) => {
  const expected = 'an expression of $request.body.… paths, such as $request.body.action'
  if (typeof value !== 'string' || value.length > 1_024) throw options.wrong(value, path, expected)
  try {
    if (partsOf(value).every((part) => typeof part === 'string')) throw options.wrong(value, path, expected)
  } catch {
    throw options.wrong(value, path, expected)
  }
  return value
}

function partsOf(expression: string): Part[] {
  // Both spellings mean the same.
  const text = expression.replace(/\$\{([^{}]*)\}/g, (_, inner: string) => `\0$${inner.replace(/^\$/, '')}\0`)
  return text.split('\0').flatMap((piece, at) => (at % 2 === 1 ? [pathOf(piece)] : plainParts(piece)))
}

function pathOf(piece: string): Part {
  path.lastIndex = 0
  const [whole, steps = ''] = path.exec(piece) ?? []
  if (whole !== piece) throw options.wrong(piece, 'routeSelectionExpression', 'a path that begins with $request.body.')
  return stepsOf(steps)
}

function plainParts(piece: string): Part[] {
  const parts: Part[] = []
  for (let at = 0; at < piece.length; ) {
    const next = piece.indexOf('$', at)
    if (next !== at) parts.push(piece.slice(at, next < 0 ? undefined : next))
    if (next < 0) break
    path.lastIndex = next
    const [whole, steps = ''] = path.exec(piece) ?? []
    if (whole === undefined) throw options.wrong(piece, 'routeSelectionExpression', 'a path that begins with $request.body.')
    parts.push(stepsOf(steps))
    at = next + whole.length
  }
  return parts
}

const stepsOf = (steps: string): string[] =>
  Array.from(steps.matchAll(/\.([\w$-]+)|\[(\d+)\]/g), ([, name, at]) => name ?? at ?? '')

function valueAt(body: unknown, steps: readonly string[]): string | undefined {
  let value: unknown = body
  for (const step of steps) {
    // What every object inherits is not in the message.
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string, unknown>)[step]
  }
  // No route is called like an object; and one that is deep enough cannot even be written down.
  return value === undefined || typeof value === 'object' ? undefined : String(value)
}
