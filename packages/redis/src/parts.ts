import type { RateRequest, RateVerdict } from '@gatelet/rate-limiter'

/** Takes and gives requests whose counts are all in one place, so that one script sees all of them. */
export interface OnePlace {
  take(requests: readonly RateRequest[]): Promise<readonly RateVerdict[]>
  give(requests: readonly RateRequest[]): Promise<void>
}

/**
 * A decision whose counts are in several places of a cluster, where no script can see all of them: each place decides about
 * its own, all at the same time, and what one has taken is given back when another refuses or fails. So nothing is ever
 * admitted that one of them refuses; but for about one round trip others are refused what is about to be given back.
 */
export async function takeInParts(
  requests: readonly RateRequest[],
  parts: readonly (readonly RateRequest[])[],
  place: OnePlace,
): Promise<readonly RateVerdict[]> {
  const decided = await Promise.allSettled(parts.map((part) => place.take(part)))
  const taken = decided.flatMap((one, at) => (one.status === 'fulfilled' && isTaken(one.value) ? [at] : []))
  const verdicts = new Map<RateRequest, RateVerdict>()
  for (const [at, part] of parts.entries()) {
    const one = decided[at]
    if (one?.status === 'fulfilled')
      for (const [place, request] of part.entries()) verdicts.set(request, one.value[place] as RateVerdict)
  }
  if (taken.length < parts.length) await giveBack(taken, parts, verdicts, place)
  for (const one of decided) if (one.status === 'rejected') throw one.reason
  return requests.map((request) => verdicts.get(request) as RateVerdict)
}

const isTaken = (verdicts: readonly RateVerdict[]) => verdicts.every(({ allowed }) => allowed)

async function giveBack(
  taken: readonly number[],
  parts: readonly (readonly RateRequest[])[],
  verdicts: Map<RateRequest, RateVerdict>,
  place: OnePlace,
): Promise<void> {
  // One that cannot be given back is lost until it has refilled; the decision stands.
  await Promise.allSettled(
    taken.map((at) => place.give((parts[at] ?? []).map((request) => ({ ...request, stamp: verdicts.get(request)?.stamp })))),
  )
  for (const at of taken) {
    for (const request of parts[at] ?? []) {
      const verdict = verdicts.get(request) as RateVerdict
      verdicts.set(request, { ...verdict, remaining: verdict.remaining + Math.floor(request.cost), stamp: 0 })
    }
  }
}
