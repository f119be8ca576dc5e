import type { ReadonlyHeaders } from '@gatelet/core'

// What everybody must be able to pass on (W3C Baggage §3.3.2); beyond it, nobody need.
const MAX_MEMBERS = 64
const MAX_BYTES = 8_192

/** What a request carries along for all who take part in it, joined; undefined where that is nothing, too much, or no list. */
export function baggageOf(headers: ReadonlyHeaders): string | undefined {
  const text = headers.getAll('baggage').join(',')
  if (text === '' || text.length > MAX_BYTES) return undefined
  const members = text.split(',')
  return members.length <= MAX_MEMBERS && members.every((member) => memberPattern.test(member)) ? text : undefined
}

// A key, a value that is percent-encoded, and properties behind semicolons.
const memberPattern =
  /^[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*=[ \t]*[\x21\x23-\x2b\x2d-\x3a\x3c-\x5b\x5d-\x7e]*[ \t]*(?:;[^,"\\]*)?$/
