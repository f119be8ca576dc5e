import type { StoredMeta } from '../policy/types.ts'

/** Bytes that a key costs beside its entries: its place in the LRU, and a list. */
export const KEY_COST = 400

/** Bytes that a buffer costs beside what is in it. */
export const BLOCK_COST = 300

// An entry, its meta data, and what is found out about them when they are first looked at.
const ENTRY_COST = 900
// A field is found out about as well: its name in lower case, its place.
const FIELD_COST = 60
const STRING_COST = 24
// One that no other entry has: a set of keys with one in it.
const TAG_COST = 420

/** Bytes of memory that an entry takes: what it holds, and what it costs beside that, as measured. Rather too many than too few. */
export function costOfEntry(key: string, variant: string, meta: StoredMeta, blocks: readonly Uint8Array[] = []): number {
  let cost = ENTRY_COST + costOfText(key) + costOfText(variant) + costOfText(meta.url)
  for (const text of meta.headers) cost += costOfText(text) + FIELD_COST / 2
  for (const [name, value] of Object.entries(meta.requestHeaders)) cost += costOfText(name) + costOfText(value ?? '') + FIELD_COST
  for (const tag of meta.tags) cost += costOfText(tag) + TAG_COST
  for (const { byteLength } of blocks) cost += byteLength + BLOCK_COST
  return cost
}

/** Node keeps a text that is all Latin-1 in one byte a letter. */
function costOfText(text: string): number {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: all letters of Latin-1
  return STRING_COST + (/[^\x00-\xff]/.test(text) ? 2 * text.length : text.length)
}
