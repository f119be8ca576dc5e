import type { ReadonlyHeaders } from '@gatelet/core'

/** Whether a request comes with a body. */
export function hasBody(headers: ReadonlyHeaders): boolean {
  return headers.has('transfer-encoding') || (headers.has('content-length') && Number(headers.get('content-length')) !== 0)
}
