import type { Clock } from '@gatelet/core'

/** The part of the web's `fetch` that is used. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>

/** How something small is fetched from an issuer. */
export interface FetchRules {
  readonly fetch: Fetch
  readonly clock: Clock
  /** For the whole exchange, in milliseconds. */
  readonly timeoutMs: number
  /** The longest answer that is read. */
  readonly maxBytes: number
}

/**
 * Fetches JSON. Follows no redirects: what is asked for was pinned, and a redirect would lead anywhere.
 * @throws Error for any status but 200, what is no JSON, too long, or too late
 */
export async function fetchJson(url: URL, init: RequestInit, rules: FetchRules): Promise<unknown> {
  const { response, text } = await fetchText(url, init, rules)
  if (response.status !== 200) throw new Error(`${url.href} answered ${response.status}`)
  try {
    return JSON.parse(text)
  } catch {
    throw new Error(`${url.href} answered with what is not JSON`)
  }
}

/** Fetches a text, whatever the status. @throws Error for an answer that is too long, or too late */
export async function fetchText(url: URL, init: RequestInit, rules: FetchRules): Promise<{ response: Response; text: string }> {
  const control = new AbortController()
  const late = new Error(`${url.href} took longer than ${rules.timeoutMs} ms`)
  const cancel = rules.clock.setTimer(() => control.abort(late), rules.timeoutMs)
  try {
    const response = await rules.fetch(url.href, { redirect: 'error', ...init, signal: control.signal })
    return { response, text: await textOf(response, url, rules.maxBytes) }
  } catch (cause) {
    const why = control.signal.aborted ? late : (cause as Error)
    throw why.message.startsWith(url.href) ? why : new Error(`${url.href} could not be asked: ${reasonOf(why)}`, { cause })
  } finally {
    cancel()
  }
}

// `fetch` says "fetch failed", and what failed beneath it.
const reasonOf = ({ message, cause }: Error): string => (cause instanceof Error ? cause.message : message)

async function textOf({ body }: Response, url: URL, maxBytes: number): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of (body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.byteLength
    // Leaving the loop cancels the body.
    if (bytes > maxBytes) throw new Error(`${url.href} answered with more than ${maxBytes} bytes`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
