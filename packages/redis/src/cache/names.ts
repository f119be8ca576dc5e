import { createHash } from 'node:crypto'

/**
 * Where the entries of a key are. What belongs to them is beside it, in the same slot of a cluster.
 *
 * A hash: keys may be long, and hold whatever a client has sent.
 */
export const shelfOf = (prefix: string, key: string): string =>
  `${prefix}{${createHash('sha256').update(key).digest('base64url')}}`

/** The mark of the last purge of a key. */
export const markOf = (shelf: string): string => `${shelf}:purged`

/** One chunk of a body. Scripts make these names too. */
export const chunkOf = (shelf: string, id: string, place: number): string => `${shelf}:${id}:${place}`

/** A part of the index, which is in a slot of its own. */
export const inIndex = (prefix: string, name: string): string => `${prefix}{index}:${name}`
