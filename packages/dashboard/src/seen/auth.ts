import type { EventMap } from '@gatelet/core'
import type { AuthView } from '../api/views.ts'
import { BoundedMap } from '../figures/bounded.ts'

const MAX_REASONS = 200

/** What `auth` decided, by outcome, reason and scheme. Of who asked it keeps nothing. */
export class Auth {
  private readonly counts = new BoundedMap(MAX_REASONS, () => ({ count: 0 }))

  decided({ outcome, reason = '', scheme = '' }: EventMap['auth:decided']): void {
    this.counts.at(`${outcome}\n${reason}\n${scheme}`).count++
  }

  view(): AuthView {
    const rows = this.counts.list().map(([key, { count }]) => {
      const [outcome = '', reason = '', scheme = ''] = key.split('\n')
      return { outcome, reason, scheme, count }
    })
    return { decisions: rows.sort((a, b) => b.count - a.count) }
  }
}
