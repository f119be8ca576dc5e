import { type Check, type Checks, GatewayError, HeaderList, options } from '@gatelet/core'
import { fieldName } from './field-name.ts'

/** The value of a field: a text, or what makes one; undefined leaves the field as it is. */
type FieldValue<Args extends readonly unknown[]> = string | ((...args: Args) => string | undefined)

/** What is done to a list of header fields. The order is that of the Gateway API: set, add, remove. */
export interface HeaderChanges<Args extends readonly unknown[]> {
  set?: Readonly<Record<string, FieldValue<Args>>>
  add?: Readonly<Record<string, FieldValue<Args>>>
  remove?: readonly string[]
}

/** @param others as for `fieldName` */
export function headerChangesChecks<Args extends readonly unknown[]>(
  others: Readonly<Record<string, string>> = {},
): Checks<HeaderChanges<Args>> {
  const name = fieldName(others)
  const fields: Check<Readonly<Record<string, FieldValue<Args>>>> = (value, path) => {
    const found = options.record(options.anything)(value, path)
    const seen = new Set<string>()
    for (const [written, each] of Object.entries(found)) {
      const where = `${path}.${written}`
      name(written, where)
      checkValue(written, each, where)
      if (seen.has(written.toLowerCase())) throw options.wrong(written, where, 'a name that stands there once')
      seen.add(written.toLowerCase())
    }
    return found as Readonly<Record<string, FieldValue<Args>>>
  }
  return {
    set: options.optional(fields),
    add: options.optional(fields),
    remove: options.optional(options.list(name)),
  }
}

/** Prepares changes, once. What is given back makes them. @throws GatewayError `BAD_HEADER` for what a function made */
export function changing<Args extends readonly unknown[]>(
  changes: HeaderChanges<Args>,
): (headers: HeaderList, ...args: Args) => void {
  const set = Object.entries(changes.set ?? {})
  const add = Object.entries(changes.add ?? {})
  const remove = changes.remove ?? []
  return (headers, ...args) => {
    for (const [name, value] of set) {
      const text = typeof value === 'function' ? value(...args) : value
      if (text !== undefined) headers.set(name, text)
    }
    for (const [name, value] of add) {
      const text = typeof value === 'function' ? value(...args) : value
      if (text !== undefined) headers.append(name, text)
    }
    for (const name of remove) headers.delete(name)
  }
}

function checkValue(name: string, value: unknown, path: string): void {
  if (typeof value === 'function') return
  try {
    new HeaderList().set(name, value as string)
  } catch (error) {
    if (!(error instanceof GatewayError)) throw error
    throw options.wrong(value, path, 'a text that HTTP allows as the value of a field, or a function that makes one')
  }
}
