import { errorTable, problem, type Reply } from '@gatelet/core'
import type { LimitedVerdict } from './verdict.ts'

const registry = 'https://iana.org/assignments/http-problem-types'

const kinds = {
  quota: { status: 429, code: 'RATE_LIMITED', type: 'quota-exceeded', title: 'Too many requests' },
  ban: {
    status: 429,
    code: 'RATE_LIMITED',
    type: 'abnormal-usage-detected',
    title: 'Too many requests were refused: no more for a while',
  },
  unknown: {
    status: 503,
    code: 'STORE_UNAVAILABLE',
    type: 'temporary-reduced-capacity',
    title: errorTable.STORE_UNAVAILABLE.title,
  },
} as const

/** The reply to who is over a limit: problem+json of the types that draft-ietf-httpapi-ratelimit-headers-10, section 5, registers. */
export function limitedReply({ reason, violated }: LimitedVerdict): Reply {
  const { status, code, type, title } = kinds[reason]
  return problem({ status, type: `${registry}#${type}`, title, more: { code, 'violated-policies': violated } })
}
