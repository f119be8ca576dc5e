import type { Algorithm } from './adaptive.ts'

/**
 * Additive increase, multiplicative decrease: one more after a window that went well, a tenth less after one in which an
 * attempt was dropped. No growth while less than half of the limit is used: what nobody tried is not known to work.
 */
export const aimd: Algorithm = ({ limit, peak, hasDropped }) => {
  if (hasDropped) return limit * 0.9
  return peak * 2 >= limit ? limit + 1 : limit
}
