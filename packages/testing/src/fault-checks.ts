import { type Check, type Checks, checkOptions, HeaderList, options } from '@gatelet/core'
import type { Fault, PartOfBody } from './fault.ts'

const { boolean, milliseconds, number, oneOf, optional, record, shape, wrong } = options

/** @throws GatewayError `BAD_OPTION`: at the line that sets the fault, not while a request meets it */
export function checkedFault(fault: Fault | undefined): Fault | undefined {
  return checkOptions<{ fault?: Fault }>('origin', { fault }, { fault: optional(anyFault) }).fault
}

const anyFault: Check<Fault> = (value, path) => {
  const kind = (value as Partial<Fault> | null)?.kind
  const known = oneOf(...(Object.keys(checks) as Fault['kind'][]))(kind, `${path}.kind`)
  return shape(checks[known] as Checks<Fault>)(value, path)
}

const text: Check<string> = (value, path) => {
  if (typeof value !== 'string') throw wrong(value, path, 'a string')
  return value
}

const headers: Check<Readonly<Record<string, string>>> = (value, path) => {
  const fields = record(text)(value, path)
  try {
    new HeaderList(fields)
  } catch (error) {
    throw wrong(value, path, `headers that HTTP allows, but ${(error as Error).message}`)
  }
  return fields
}

const kind = <K extends Fault['kind']>(name: K): { kind: Check<K> } => ({ kind: oneOf(name) })

const times = { times: optional(number({ min: 1, max: 1_000_000_000, integer: true })) }

const partOfBody: Checks<PartOfBody> = {
  sentBytes: optional(number({ min: 0, max: 1_073_741_824, integer: true, unit: 'bytes' })),
  chunked: optional(boolean),
  ...times,
}

const checks: { readonly [K in Fault['kind']]: Checks<Extract<Fault, { kind: K }>> } = {
  status: {
    ...kind('status'),
    status: number({ min: 200, max: 999, integer: true }),
    headers: optional(headers),
    body: optional(text),
    ...times,
  },
  'hang-before-headers': { ...kind('hang-before-headers'), ...times },
  'hang-mid-body': { ...kind('hang-mid-body'), ...partOfBody },
  'reset-before-headers': { ...kind('reset-before-headers'), ...times },
  'reset-mid-body': { ...kind('reset-mid-body'), ...partOfBody },
  'close-mid-body': { ...kind('close-mid-body'), ...partOfBody },
  delay: { ...kind('delay'), ms: optional(milliseconds(0)), ...times },
  refuse: kind('refuse'),
  'close-after-reply': { ...kind('close-after-reply'), afterMs: optional(milliseconds(0)), ...times },
  'close-on-reuse': { ...kind('close-on-reuse'), ...times },
  'slow-reader': { ...kind('slow-reader'), ...times },
}
