import type { StoredMeta } from '@gatelet/cache'

/** Bytes of each chunk of a body but the last one. */
export const CHUNK_BYTES = 65_536

/** What Redis keeps of an entry beside its body. */
export interface CacheRecord {
  readonly id: string
  /** When it was stored, and when it is of no use any more, in wall-clock milliseconds. */
  readonly storedAt: number
  readonly until: number
  readonly key: string
  readonly variant: string
  readonly meta: StoredMeta & { readonly bodyBytes: number }
}

/** How many chunks a body has. */
export const chunksOf = (bodyBytes: number): number => Math.ceil(bodyBytes / CHUNK_BYTES)

/**
 * A record as text: a line that scripts read, with its id, two times, its chunks and since when it is stale (0: it is not);
 * then JSON.
 */
export function encode({ id, storedAt, until, key, variant, meta }: CacheRecord): string {
  const { softPurgedAt = 0, ...kept } = meta
  return `${id} ${storedAt} ${until} ${chunksOf(meta.bodyBytes)} ${softPurgedAt}\n${JSON.stringify({ key, variant, meta: kept })}`
}

/** What was kept under a key; undefined for what is no record of it: others may write to this Redis. */
export function decode(text: unknown, key: string): CacheRecord | undefined {
  const [head, id, storedAt, until, chunks, softAt] = (typeof text === 'string' && line.exec(text)) || []
  if (head === undefined || id === undefined) return undefined
  const said = parsed((text as string).slice(head.length))
  const { key: of, variant, meta } = said ?? {}
  if (of !== key || typeof variant !== 'string' || !isMeta(meta)) return undefined
  if (chunksOf(meta.bodyBytes) !== Number(chunks)) return undefined
  const soft = Number(softAt) > 0 ? { softPurgedAt: Number(softAt) } : {}
  return { id, storedAt: Number(storedAt), until: Number(until), key, variant, meta: { ...meta, ...soft } }
}

const line = /^([\w-]{1,64}) (\d{1,16}) (\d{1,16}) (\d{1,6}) (\d{1,16})\n/

function parsed(text: string): Partial<CacheRecord> | null {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

function isMeta(meta: Partial<StoredMeta> | null | undefined): meta is CacheRecord['meta'] {
  if (typeof meta !== 'object' || meta === null) return false
  const { url, status, headers, requestHeaders, requestTimeMs, responseTimeMs, bodyBytes, tags } = meta
  const numbers = [status, requestTimeMs, responseTimeMs].every((value) => Number.isFinite(value))
  const lists = areTexts(headers) && headers.length % 2 === 0 && areTexts(tags)
  const asked = typeof requestHeaders === 'object' && requestHeaders !== null && areTexts(Object.values(requestHeaders))
  return typeof url === 'string' && numbers && lists && asked && Number.isSafeInteger(bodyBytes) && (bodyBytes as number) >= 0
}

function areTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((text) => typeof text === 'string')
}
