import { type Context, GatewayError } from '@gatelet/core'
import type { StreamFormat } from './stream.ts'

/** What each format is called. */
export const mediaTypes: Readonly<Record<StreamFormat, string>> = { json: 'application/json', ndjson: 'application/x-ndjson' }

const names: readonly (readonly [type: string, format: StreamFormat])[] = [
  ['application/json', 'json'],
  ['application/x-ndjson', 'ndjson'],
  ['application/jsonl', 'ndjson'],
  ['application/ndjson', 'ndjson'],
]

/** The format that `Accept` likes best (RFC 9110 §12.5.1); an array where it has no wish. @throws GatewayError `NOT_ACCEPTABLE` */
export function formatOf<S extends object>({ request }: Context<S>): StreamFormat {
  const field = request.headers.getAll('accept').join(',')
  if (field.trim() === '') return 'json'
  const ranges = new Map(field.split(',').map(rangeOf))
  let best: StreamFormat | undefined
  let most = 0
  for (const [type, format] of names) {
    const weight = ranges.get(type) ?? ranges.get('application/*') ?? ranges.get('*/*') ?? 0
    if (weight > most) [best, most] = [format, weight]
  }
  if (best) return best
  throw new GatewayError('NOT_ACCEPTABLE', { detail: 'There are application/json and application/x-ndjson' })
}

function rangeOf(text: string): [type: string, weight: number] {
  const [type = '', ...params] = text.split(';').map((part) => part.trim().toLowerCase())
  const weight = Number(params.find((param) => param.startsWith('q='))?.slice(2) ?? 1)
  return [type, Number.isFinite(weight) ? weight : 0]
}
