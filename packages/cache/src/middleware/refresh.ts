import { type Context, discard } from '@gatelet/core'
import type { Decision } from '../policy/types.ts'
import type { StoredEntry } from '../store.ts'
import type { Onward } from './arrival.ts'
import { fetched } from './fetched.ts'
import { type Ask, type Kit, placeOf } from './kit.ts'

type Stale = Extract<Decision, { kind: 'stale' }>

/**
 * Sees to it that what is stale is asked about, once for all who are given it.
 * @returns false where it cannot be done in the background: then this request is the one to ask
 */
export function refreshed<S extends object>(kit: Kit<S>, ask: Ask<S>, stale: Stale): boolean {
  const entry = entryOf(ask, stale)
  const place = placeOf(ask.key, entry.variant)
  if (kit.refreshing.has(place) || kit.isResting(ask.key, entry)) return true
  kit.refreshing.add(place)
  const isApart = ask.ctx.background(async (own) => {
    try {
      await pause(kit)
      await refresh(kit, ask, stale, own)
    } catch (error) {
      kit.letRest(ask.key, entry)
      throw error
    } finally {
      kit.refreshing.delete(place)
    }
  })
  if (!isApart) kit.refreshing.delete(place)
  return isApart
}

/** Asks about it in front of the reply; the others are given what is stale meanwhile. */
export async function refreshedFirst<S extends object, T>(
  kit: Kit<S>,
  ask: Ask<S>,
  stale: Stale,
  work: (decision: Onward) => Promise<T>,
): Promise<T> {
  const place = placeOf(ask.key, entryOf(ask, stale).variant)
  kit.refreshing.add(place)
  try {
    return await work(onwardOf(stale))
  } finally {
    kit.refreshing.delete(place)
  }
}

async function refresh<S extends object>(kit: Kit<S>, ask: Ask<S>, stale: Stale, own: Context<S>): Promise<void> {
  const headers = ask.ctx.request.headers.clone()
  headers.delete('range')
  headers.delete('if-range')
  const ctx = own.withRequest({ method: 'GET', headers })
  const flight = kit.flights.alone(ask.key, ctx.request)
  flight.leaderIsServed()
  const asked = { kit, ask: { ...ask, ctx }, decision: onwardOf(stale), flight, isRefresh: true }
  const { reply, over } = await fetched(asked, ctx)
  discard(reply.body)
  await over
}

function onwardOf({ stored, refresh }: Stale): Onward {
  const asks = refresh.has('if-none-match') || refresh.has('if-modified-since')
  if (asks) return { kind: 'revalidate', stored, headers: refresh, forward: 'stale', fallback: stored }
  return { kind: 'fetch', forward: 'stale', fallback: stored }
}

function entryOf<S extends object>({ entries }: Ask<S>, { stored }: Stale): StoredEntry {
  return entries.find(({ meta }) => meta === stored) as StoredEntry
}

// Replies that were stored together would all be asked about together.
function pause<S extends object>(kit: Kit<S>): Promise<void> | undefined {
  const { clock, refreshJitterMs } = kit.settings
  if (refreshJitterMs === 0) return undefined
  return new Promise((resolve) => void clock.setTimer(resolve, clock.random() * refreshJitterMs))
}
