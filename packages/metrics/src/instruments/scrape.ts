import { type Clock, GatewayError, type Handler, type ReadonlyHeaders, text } from '@gatelet/core'
import { contentTypes, exposition, type Format, type MetricJson } from './exposition.ts'

/** Answers who collects figures. However many ask at the same time, the registry is asked once. */
export function scrape(
  read: () => Promise<readonly MetricJson[]>,
  { clock, timeoutMs }: { readonly clock: Clock; readonly timeoutMs: number },
): Handler {
  let reading: Promise<readonly MetricJson[]> | undefined
  const shared = () => {
    reading ??= inTime(read, clock, timeoutMs).finally(() => {
      reading = undefined
    })
    return reading
  }
  return async function metrics({ request }) {
    if (request.method !== 'GET' && request.method !== 'HEAD')
      throw new GatewayError('METHOD_NOT_ALLOWED', { headers: { allow: 'GET, HEAD' } })
    const format = wanted(request.headers)
    const body = exposition(await shared(), format)
    return text(body, { headers: { 'content-type': contentTypes[format], 'cache-control': 'no-store' } })
  }
}

/** @throws GatewayError `STORE_TIMEOUT` when a function of the registry takes too long */
async function inTime<T>(work: () => Promise<T>, clock: Clock, timeoutMs: number): Promise<T> {
  let cancel: () => void = () => {}
  const late = new Promise<never>((_, reject) => {
    const message = `the registry took more than ${timeoutMs} ms to tell its figures`
    cancel = clock.setTimer(() => reject(new GatewayError('STORE_TIMEOUT', { message })), timeoutMs)
  })
  try {
    return await Promise.race([work(), late])
  } finally {
    cancel()
  }
}

/** The format that is liked best (RFC 9110 §12.5.1); the older one where nobody says. */
function wanted(headers: ReadonlyHeaders): Format {
  const accept = headers.get('accept') ?? ''
  return likingOf(accept, 'application/openmetrics-text') > likingOf(accept, 'text/plain') ? 'open-metrics' : 'prometheus'
}

function likingOf(accept: string, type: string): number {
  const likings = accept.split(',').flatMap((range) => {
    const [name = '', ...params] = range.split(';').map((part) => part.trim().toLowerCase())
    if (name !== type) return []
    const quality = params.find((param) => param.startsWith('q='))
    return [quality === undefined ? 1 : Number(quality.slice(2)) || 0]
  })
  return Math.max(0, ...likings)
}
