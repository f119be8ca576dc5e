import { clientResolver, type Handler } from '@gatelet/core'
import type { FetchSettings } from './options.ts'

/** What all exchanges of one `toFetch` share. */
export class FetchHost {
  readonly handler: Handler
  readonly settings: FetchSettings
  readonly resolveClient: ReturnType<typeof clientResolver>
  private readonly background = new Set<Promise<void>>()

  constructor(handler: Handler, settings: FetchSettings) {
    this.handler = handler
    this.settings = settings
    this.resolveClient = clientResolver(settings.trustedProxies)
  }

  /** Counts work that outlives its reply, and tells the host of it. @param work must not reject */
  spawn(work: Promise<void>, env: unknown): void {
    this.background.add(work)
    void work.finally(() => this.background.delete(work))
    try {
      this.settings.waitUntil?.(work, env)
    } catch (error) {
      process.emitWarning(`waitUntil threw: ${String(error)}`, 'GateletWarning')
    }
  }

  async settled(): Promise<void> {
    while (this.background.size > 0) await Promise.all(this.background)
  }
}
