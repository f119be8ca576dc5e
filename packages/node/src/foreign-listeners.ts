import type { EventEmitter } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'

/** A listener of a server, whatever the event. */
export type Listener = Parameters<EventEmitter['on']>[1]

const guarded = ['request', 'checkContinue', 'checkExpectation', 'upgrade'] as const

/**
 * The listeners of others on a server that we share. Node calls every listener for every request, and two that answer the
 * same one end in an error; so those of others are put behind a guard that lets through what is not ours. Each keeps its
 * place and can still be removed by its owner. What is added later is guarded too.
 */
export class ForeignListeners {
  private readonly server: Server
  private readonly own: ReadonlySet<unknown>
  private readonly isOurs: (req: IncomingMessage) => boolean
  private readonly guards = new Map<Listener, Listener>()
  private isGuarding = false

  /** @param own our listeners, by event */
  constructor(server: Server, own: Readonly<Record<string, Listener>>, isOurs: (req: IncomingMessage) => boolean) {
    this.server = server
    this.own = new Set(Object.values(own))
    this.isOurs = isOurs
  }

  /** Whether anybody but us listens. */
  listensTo(event: string): boolean {
    return this.server.rawListeners(event).some((listener) => !this.own.has(listener))
  }

  guard(): void {
    this.isGuarding = true
    this.guardAll()
    this.server.on('newListener', this.onNewListener)
  }

  /** Puts every listener back as it was. */
  unguard(): void {
    this.isGuarding = false
    this.server.off('newListener', this.onNewListener)
    for (const event of guarded) this.replaceAll(event, (listener) => this.guards.get(listener))
    this.guards.clear()
  }

  private readonly onNewListener = (event: string): void => {
    // The event comes before the listener is added.
    if ((guarded as readonly string[]).includes(event)) queueMicrotask(() => this.isGuarding && this.guardAll())
  }

  private guardAll(): void {
    for (const event of guarded) {
      this.replaceAll(event, (listener) => (this.guards.has(listener) ? undefined : this.guardFor(listener)))
    }
  }

  private guardFor(listener: Listener): Listener {
    const { isOurs } = this
    const guard = function (this: Server, req: IncomingMessage, ...rest: unknown[]): void {
      if (!isOurs(req)) listener.call(this, req, ...rest)
    }
    // By this, as it does for `once`, Node still finds the listener when its owner asks for it or removes it.
    this.guards.set(Object.assign(guard, { listener }), listener)
    return guard
  }

  /** Replaces those of others for which there is another; all are added again, so that their order stays. */
  private replaceAll(event: string, other: (listener: Listener) => Listener | undefined): void {
    const { server, own } = this
    const foreign = (server.rawListeners(event) as Listener[]).filter((listener) => !own.has(listener))
    const wanted = foreign.map((listener) => other(listener) ?? listener)
    if (wanted.every((listener, at) => listener === foreign[at])) return
    for (const listener of foreign) server.off(event, listener)
    for (const listener of wanted) server.on(event, listener)
  }
}
