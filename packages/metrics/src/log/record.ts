import { type EventMap, GatewayError } from '@gatelet/core'
import { redactedQuery } from '../traces/attributes.ts'
import type { Notes } from './notes.ts'
import type { AccessLogSettings } from './options.ts'

/** One request as a log has it. What is not known is left out; of what was no request, the texts that always stand there are `-`. */
export interface AccessRecord {
  /** When it came, in ISO 8601. */
  readonly time: string
  readonly client: string
  /** The other end of the connection, where that is not the client. */
  readonly peer?: string
  readonly method: string
  readonly scheme: string
  readonly host: string
  readonly path: string
  readonly query?: string
  readonly protocol: string
  /** 499 where the client left before there was one. */
  readonly status: number
  readonly outcome: 'finished' | 'failed' | 'aborted'
  readonly durationMs: number
  /** Milliseconds of that which attempts at upstreams took, up to their heads. */
  readonly upstreamMs?: number
  readonly receivedBytes?: number
  readonly sentBytes?: number
  readonly route?: string
  /** The id of the last endpoint that was asked, or of the one that answered first. */
  readonly endpoint?: string
  readonly attempts?: number
  /** What that endpoint answered with, where it did. */
  readonly upstreamStatus?: number
  /** `hit`, `miss`, `stale` and so on. */
  readonly cache?: string
  readonly subject?: string
  readonly auth?: string
  /** Why a limiter refused it. */
  readonly limited?: string
  readonly requestId?: string
  readonly traceId?: string
  readonly userAgent?: string
  readonly referer?: string
  /** The code of the error that it met, or its class. */
  readonly error?: string
  /** Those that were asked for. */
  readonly headers?: Readonly<Record<string, string>>
}

/** What a client sent that was no request: who, and how it was answered. */
export function unreadableRecord({ client, error }: EventMap['request:unreadable'], { clock }: AccessLogSettings): AccessRecord {
  return {
    time: new Date(clock.date()).toISOString(),
    client: client.address,
    method: '-',
    scheme: '-',
    host: '-',
    path: '-',
    protocol: '-',
    status: error.status,
    outcome: 'finished',
    durationMs: 0,
    error: error.code,
  }
}

// Clients write what they like: enough to tell them apart.
const MAX_TEXT = 1_024

/** Makes a record at the end of a request. */
export function recordOf(
  { context, summary }: EventMap['request:finished'],
  notes: Notes | undefined,
  { clock, query, headers, referer }: AccessLogSettings,
): AccessRecord {
  const { request } = context
  const { url, client } = request
  const { status, outcome, durationMs, receivedBytes, sentBytes } = summary
  const { attempts = 0, upstreamMs = 0, error, subject, ...noted } = notes ?? {}
  const failure = summary.error ?? error
  return present({
    time: new Date(clock.date() - durationMs).toISOString(),
    client: client.address,
    peer: client.peer === client.address ? undefined : client.peer,
    method: text(request.method),
    scheme: url.scheme,
    host: url.port === undefined ? url.host : `${url.host}:${url.port}`,
    path: isRefusedTarget(failure) ? targetPath(request.target) : url.path,
    query: query && url.search.length > 1 ? redactedQuery(url.search.slice(1)) : undefined,
    protocol: `HTTP/${request.protocol}`,
    status,
    outcome,
    durationMs: rounded(durationMs),
    // Hedged attempts overlap: they cannot have taken longer than all of it.
    upstreamMs: attempts > 0 ? rounded(Math.min(durationMs, upstreamMs)) : undefined,
    receivedBytes,
    sentBytes,
    ...noted,
    subject: text(subject),
    attempts: attempts > 0 ? attempts : undefined,
    userAgent: text(request.headers.get('user-agent')),
    referer: referer ? withoutQuery(request.headers.get('referer')) : undefined,
    error: nameOf(failure),
    headers: chosen(request.headers, headers),
  }) as unknown as AccessRecord
}

// Then there is no canonical one.
const isRefusedTarget = (error: unknown): boolean => error instanceof GatewayError && error.code === 'BAD_TARGET'

/** The path of a target as it came, with what is no printable ASCII in it percent-encoded. */
const targetPath = (target: string): string | undefined =>
  text(
    target
      .split('?', 1)[0]
      ?.replace(/[^\x21-\x7e]/g, (char) => `%${char.charCodeAt(0).toString(16).padStart(2, '0').toUpperCase()}`),
  )

function present(record: Record<string, unknown>): Record<string, unknown> {
  for (const name of Object.keys(record)) if (record[name] === undefined) delete record[name]
  return record
}

const rounded = (ms: number): number => Math.round(ms * 1_000) / 1_000

function text(value: string): string
function text(value: string | undefined): string | undefined
function text(value: string | undefined): string | undefined {
  return value !== undefined && value.length > MAX_TEXT ? `${value.slice(0, MAX_TEXT)}…` : value
}

// A page's address may hold as many secrets as ours.
const withoutQuery = (referer: string | undefined): string | undefined => text(referer?.split(/[?#]/, 1)[0])

function nameOf(error: unknown): string | undefined {
  if (error === undefined || error === null) return undefined
  if (error instanceof GatewayError) return error.code
  return error instanceof Error ? error.name : typeof error
}

// Fields that hold what opens something, by what they are called.
const secret =
  /authorization|cookie|token|secret|password|credential|jwt|signature|(?:^|[-_])(?:api|access|auth|functions|subscription)[-_]?key$/

function chosen(
  headers: EventMap['request:finished']['context']['request']['headers'],
  names: readonly string[],
): Record<string, string> | undefined {
  if (names.length === 0) return undefined
  const found = names.flatMap((name) => {
    const value = headers.get(name)
    return value === undefined ? [] : [[name, secret.test(name) ? '[redacted]' : text(value)] as const]
  })
  return Object.fromEntries(found)
}
