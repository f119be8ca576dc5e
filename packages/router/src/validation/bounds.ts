import { type Check, options } from '@gatelet/core'

/** How much of a body is read, where an option does not say another number: 1 MiB. */
export const MAX_BODY_BYTES = 1_048_576

/** How many fields a query or a form may have, where an option does not say another number. */
export const MAX_FIELDS = 1_000

/** How many findings a client is told of, where an option does not say another number. */
export const MAX_FINDINGS = 20

/** More than this cannot be asked for. */
export const MOST_FINDINGS = 1_000

/** The checks of the options that set these. */
export const maxBodyBytes: Check<number | undefined> = bound(1_073_741_824, 'bytes')
export const maxFields: Check<number | undefined> = bound(100_000)
export const maxErrors: Check<number | undefined> = bound(MOST_FINDINGS)

function bound(max: number, unit?: string): Check<number | undefined> {
  return options.optional(options.number({ min: 1, max, integer: true, ...(unit !== undefined && { unit }) }))
}
