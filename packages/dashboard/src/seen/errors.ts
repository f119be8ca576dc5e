import { type Clock, type Context, GatewayError } from '@gatelet/core'
import type { ErrorView } from '../api/views.ts'
import { LatestBy } from '../figures/bounded.ts'
import { redacted } from '../redact.ts'

/** Where an error came up. */
export interface ErrorPlace {
  readonly kind: ErrorView['kind']
  readonly context: Context
  readonly route?: string | undefined
  readonly endpoint?: string | undefined
}

/** The last errors that are ours or an upstream's. The same one at the same place is one row, however often it comes. */
export class Errors {
  private readonly clock: Clock
  private readonly latest: LatestBy<ErrorView>

  constructor(clock: Clock, max: number) {
    this.clock = clock
    this.latest = new LatestBy(max)
  }

  /** @returns whether it is one that is shown: what clients did wrong is not */
  add(error: unknown, place: ErrorPlace): boolean {
    if (error instanceof GatewayError && error.side === 'client') return false
    const code = error instanceof GatewayError ? error.code : nameOf(error)
    this.put(code, messageOf(error), place)
    return true
  }

  put(code: string, message: string, { kind, context, route, endpoint }: ErrorPlace): void {
    const { method, url } = context.request
    const key = [kind, code, route, endpoint].join('\n')
    this.latest.put(key, {
      ...{ kind, code, route, endpoint },
      at: this.clock.date(),
      message: redacted(message),
      method: redacted(method),
      path: redacted(url.path),
      times: (this.latest.get(key)?.times ?? 0) + 1,
    })
  }

  view(): readonly ErrorView[] {
    return this.latest.list()
  }
}

function nameOf(error: unknown): string {
  const { code, name } = (error ?? {}) as { readonly code?: unknown; readonly name?: unknown }
  const said = typeof code === 'string' ? code : typeof name === 'string' ? name : 'unknown'
  return redacted(said).slice(0, 60)
}

// The cause says what lies beneath `INTERNAL`, or beneath a connection that could not be made.
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return typeof error === 'string' ? error : 'something else than an error was thrown'
  const beneath = error.cause instanceof Error && error.cause.message !== error.message ? `: ${error.cause.message}` : ''
  return `${error.message}${beneath}`
}
