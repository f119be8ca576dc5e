import assert from 'node:assert/strict'
import {
  type Context,
  type Flow,
  type Handler,
  HeaderList,
  type MaybePromise,
  PushSource,
  type Reply,
  type Sink,
  type Source,
} from '@gatelet/core'
import type { Answer } from '../../answer.ts'
import { exchange, type LayerOver, type TestExchange } from '../../exchange.ts'
import type { CallRequest, RequestLike } from '../../request.ts'
import { type VirtualClock, virtualClock } from '../../virtual-clock.ts'

/** What is put to the test. */
export interface MiddlewareSubject {
  readonly make: (env: { readonly clock: VirtualClock }) => LayerOver<object>
  readonly state: object
  /** A request that it lets through. */
  readonly passes: CallRequest
  /** A request that it answers by itself. */
  readonly refuses: CallRequest | undefined
}

/** One layer that was just made, between a client and a handler that the case plays. */
export class Stand {
  readonly clock: VirtualClock = virtualClock()
  readonly layer: LayerOver<object>
  /** What `next` was asked with. */
  readonly asked: Context[] = []
  /** What the layer finds in the state. */
  readonly state: Readonly<Record<string, unknown>>
  private readonly subject: MiddlewareSubject

  constructor(subject: MiddlewareSubject) {
    this.subject = subject
    this.state = { ...subject.state, learnedBefore: { by: 'an earlier layer' } }
    this.layer = subject.make({ clock: this.clock })
  }

  /** A request that opens, to be asked or aborted by the case. */
  open(change: CallRequest = {}, request: CallRequest = this.subject.passes): TestExchange {
    return exchange({ ...request, ...change }, { clock: this.clock, state: this.state })
  }

  /** Asks the layer, with `next` behind it. */
  ask(next: (ctx: Context) => MaybePromise<Reply>, side: TestExchange = this.open()): Promise<Answer> {
    const answer = soon(side.ask(this.layer, this.noting(next)), 'the layer has not answered')
    // A case may fail before it waits for this.
    answer.catch(() => {})
    return answer
  }

  /** Asks the layer as another layer does, which sees what it throws. */
  async askAsLayer(next: (ctx: Context) => MaybePromise<Reply>): Promise<Reply> {
    const { layer } = this
    const middleware = typeof layer === 'function' ? layer : layer.layer()
    const ctx = this.open().ctx
    return soon((async () => middleware(ctx as never, this.noting(next)))(), 'the layer has not answered')
  }

  private noting(next: (ctx: Context) => MaybePromise<Reply>): Handler {
    return (ctx) => {
      this.asked.push(ctx)
      return next(ctx)
    }
  }
}

/** A request in its long form. */
export function longForm(request: RequestLike): CallRequest {
  if (typeof request !== 'string') return request
  const [, method, url = request] = /^([^ /]+) (.*)$/.exec(request) ?? []
  return method === undefined ? { url } : { method, url }
}

/** A body that a case fills by hand, and that remembers what became of it. */
export class Tap implements Source {
  isRead = false
  isCancelled = false
  readonly filled: PushSource = new PushSource({ pause() {}, resume() {}, cancel() {} })

  pipeTo(sink: Sink): Flow {
    this.isRead = true
    return this.filled.pipeTo(sink)
  }

  take(): Uint8Array | null | undefined {
    const taken = this.filled.take()
    if (taken !== undefined) this.isRead = true
    return taken
  }

  cancel(): void {
    this.isCancelled = true
    this.filled.cancel()
  }
}

/** What a handler answers in these cases. */
export function reply(body: Reply['body'], status = 200): Reply {
  return { status, headers: new HeaderList({ 'x-next': 'yes' }), body }
}

// Real time: a layer may wait for work on other threads, such as a signature to be verified.
const SOON_MS = 2_000

/** A promise that must settle without anybody moving the clock. @throws AssertionError that says `otherwise` */
function soon<T>(promise: Promise<T>, otherwise: string): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new assert.AssertionError({ message: otherwise })), SOON_MS)
    promise.finally(() => clearTimeout(timer)).then(resolve, reject)
  })
}

/** Waits until something holds that needs nobody to move the clock. @throws AssertionError that says `otherwise` */
export async function until(holds: () => boolean, otherwise: () => string): Promise<void> {
  const deadline = performance.now() + SOON_MS
  while (!holds()) {
    assert.ok(performance.now() < deadline, otherwise())
    await turns(1)
  }
}

/** Turns of the event loop, in which everything that waits for a promise goes on. */
export async function turns(count = 5): Promise<void> {
  for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve))
}
