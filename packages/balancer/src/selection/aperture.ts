import { createHash } from 'node:crypto'

/** Which part of a large set this process uses. */
export interface Aperture {
  readonly size: number
  readonly instance: number
}

/**
 * The part of a set that one of many processes uses, so that not each of them connects to each endpoint. Deterministic
 * subsetting ("Site Reliability Engineering", 2016, chapter 20): in each round as many processes as there are parts share one
 * shuffled list among themselves, so that each endpoint has as many processes as any other, give or take one. Parts are of at least
 * `size`, and none is left over.
 *
 * The list is not shuffled but sorted by a hash: an endpoint that comes or goes moves the borders of parts by one instead of
 * drawing them all anew. They are drawn anew when their number changes.
 */
export function apertureOf<T extends { readonly id: string }>(all: readonly T[], { size, instance }: Aperture): readonly T[] {
  const parts = Math.floor(all.length / size)
  if (parts < 2) return all
  const round = Math.floor(instance / parts)
  const part = instance % parts
  const from = Math.floor((part * all.length) / parts)
  const to = Math.floor(((part + 1) * all.length) / parts)
  const chosen = new Set(sortedFor(round, all).slice(from, to))
  // In the order of the list, which strategies may go by.
  return all.filter((each) => chosen.has(each))
}

function sortedFor<T extends { readonly id: string }>(round: number, all: readonly T[]): readonly T[] {
  return all
    .map((each) => ({ each, place: createHash('sha256').update(`${round} ${each.id}`).digest('hex') }))
    .toSorted((a, b) => (a.place < b.place ? -1 : 1))
    .map(({ each }) => each)
}
