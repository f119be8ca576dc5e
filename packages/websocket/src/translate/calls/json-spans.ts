/** Where a value stands in a text of JSON. */
export interface Span {
  readonly start: number
  readonly end: number
}

/** A member of an object. */
export interface MemberSpan extends Span {
  readonly name: string
}

/**
 * Where the items of an array stand, so that one can be taken or changed and the others stay byte for byte: numbers that
 * JavaScript cannot hold, duplicate names, whatever it is.
 * @param text JSON that was parsed before: what is no JSON is not found out here
 * @param from where the `[` stands
 */
export function itemsOf(text: string, from = 0): Span[] {
  const items: Span[] = []
  let at = afterSpace(text, afterSpace(text, from) + 1)
  while (at < text.length && text[at] !== ']') {
    const end = valueEnd(text, at)
    items.push({ start: at, end })
    at = afterComma(text, end)
  }
  return items
}

/** Where the values of an object's members stand. @param from where the `{` stands */
export function membersOf(text: string, from = 0): MemberSpan[] {
  const members: MemberSpan[] = []
  let at = afterSpace(text, afterSpace(text, from) + 1)
  while (at < text.length && text[at] !== '}') {
    const nameEnd = valueEnd(text, at)
    const name = JSON.parse(text.slice(at, nameEnd)) as string
    const start = afterSpace(text, afterSpace(text, nameEnd) + 1)
    const end = valueEnd(text, start)
    members.push({ name, start, end })
    at = afterComma(text, end)
  }
  return members
}

function afterSpace(text: string, from: number): number {
  let at = from
  while (at < text.length && ' \t\r\n'.includes(text[at] as string)) at++
  return at
}

function afterComma(text: string, from: number): number {
  const at = afterSpace(text, from)
  return text[at] === ',' ? afterSpace(text, at + 1) : at
}

function valueEnd(text: string, from: number): number {
  const first = text[from]
  if (first === '"') return stringEnd(text, from)
  if (first !== '{' && first !== '[') return scalarEnd(text, from)
  let depth = 0
  for (let at = from; at < text.length; at++) {
    const char = text[at]
    if (char === '"') at = stringEnd(text, at) - 1
    else if (char === '{' || char === '[') depth++
    else if ((char === '}' || char === ']') && --depth === 0) return at + 1
  }
  return text.length
}

function stringEnd(text: string, from: number): number {
  for (let at = from + 1; at < text.length; at++) {
    if (text[at] === '\\') at++
    else if (text[at] === '"') return at + 1
  }
  return text.length
}

function scalarEnd(text: string, from: number): number {
  let at = from
  while (at < text.length && !',]} \t\r\n'.includes(text[at] as string)) at++
  return at
}
