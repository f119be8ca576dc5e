import type { CacheStore, StoredEntry, StoredMeta } from '@gatelet/cache'
import { bytesOf } from '@gatelet/core'

/** Meta data of a reply that came at 0 and stays fresh for a minute. */
export function metaOf(more: Partial<StoredMeta> = {}): StoredMeta {
  return {
    url: 'http://a.example/',
    status: 200,
    headers: ['cache-control', 'max-age=60'],
    requestHeaders: {},
    tags: [],
    requestTimeMs: 0,
    responseTimeMs: 0,
    ...more,
  }
}

/** Stores a body. @returns whether it is stored */
export async function put(
  store: CacheStore,
  key: string,
  body: string | Uint8Array,
  { variant = '', ...more }: Partial<StoredMeta> & { variant?: string } = {},
): Promise<boolean> {
  const writer = store.open(key, variant, metaOf(more))
  if (body.length > 0) writer?.write(Buffer.from(body))
  return (await writer?.commit()) ?? false
}

/** The bodies of a key, oldest first. */
export async function bodies(store: CacheStore, key: string): Promise<string[]> {
  return Promise.all((await store.get(key)).map(textOf))
}

export async function textOf(entry: StoredEntry): Promise<string> {
  return Buffer.from(await bytesOf(entry.body(), 1e9)).toString()
}
