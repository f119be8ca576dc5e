import type { Balancer, Endpoint, Lease, Outcome, Target } from '@gatelet/core'

/** What became of one lease. */
interface Entry {
  readonly endpoint: Endpoint
  /** At most one, however often it was told. */
  readonly outcomes: Outcome[]
  releases: number
}

/** A balancer that writes down what becomes of its leases. */
export interface Ledger extends Balancer {
  readonly entries: readonly Entry[]
  /** The kinds of all outcomes, in the order of the leases. */
  readonly kinds: readonly Outcome['kind'][]
  /** Leases that are not released. */
  readonly open: number
}

export interface LedgerOptions {
  replyHeaders?: readonly [string, string][]
  /** Waits before it gives a lease. */
  wait?: () => Promise<void>
}

/** Gives the first endpoint that was not tried, or the first again. */
export function ledger(targets: readonly (string | Target)[], { replyHeaders, wait }: LedgerOptions = {}): Ledger {
  const entries: Entry[] = []
  const members = targets.map((target, at) => ({
    target: typeof target === 'string' ? { origin: new URL(target) } : target,
    endpoint: { id: String(at), weight: 1, inflight: 0, metadata: {} } satisfies Endpoint,
  }))
  const lease = (tried: readonly Endpoint[]): Lease => {
    const { target, endpoint } = members.find((member) => !tried.includes(member.endpoint)) ?? (members[0] as (typeof members)[0])
    const entry: Entry = { endpoint, outcomes: [], releases: 0 }
    entries.push(entry)
    return {
      endpoint,
      target,
      ...(replyHeaders ? { replyHeaders } : {}),
      answered: (outcome) => void entry.outcomes.push(outcome),
      release: () => void entry.releases++,
    }
  }
  return {
    acquire: ({ tried }) => (wait ? wait().then(() => lease(tried)) : lease(tried)),
    close: () => Promise.resolve(),
    entries,
    get kinds() {
      return entries.flatMap(({ outcomes }) => outcomes.map(({ kind }) => kind))
    },
    get open() {
      return entries.filter(({ releases }) => releases === 0).length
    },
  }
}
