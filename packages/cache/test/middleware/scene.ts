import { type CacheOptions, cache } from '@gatelet/cache'
import { type Context, chain, type Handler, type MaybePromise, type Reply, text } from '@gatelet/core'
import { type Answer, type CallRequest, call, type VirtualClock, virtualClock } from '@gatelet/testing'
import { PlainStore } from '../fakes/plain-store.ts'

/** A cache over a handler, with a store and a clock of its own. */
export interface Scene {
  readonly clock: VirtualClock
  readonly store: PlainStore
  readonly layer: ReturnType<typeof cache>
  readonly handler: Handler
  /** What the handler was asked, in its order. */
  readonly asked: Context[]
  /** Asks, reads the body, and says the reply in short. */
  get(request?: string | CallRequest): Promise<Seen>
}

export interface Seen {
  readonly status: number
  readonly body: string
  /** `Cache-Status`, without our name. */
  readonly said: string
  readonly answer: Answer
}

export type Options = Partial<Omit<CacheOptions, 'per'>>

/** @param answer called with how many requests came, from 1 on */
export function scene(answer: (ctx: Context, n: number) => MaybePromise<Reply>, options: Options = {}): Scene {
  const clock = virtualClock()
  const store = new PlainStore()
  const asked: Context[] = []
  const layer = cache({ store, clock, refreshJitterMs: 0, ...options })
  const handler = chain()
    .use(layer)
    .to((ctx) => answer(ctx, asked.push(ctx)))
  return {
    clock,
    store,
    layer: layer as Scene['layer'],
    handler,
    asked,
    get: (request) => seen(call(handler, request, { clock })),
  }
}

export async function seen(asking: Promise<Answer>): Promise<Seen> {
  const answer = await asking
  const body = await answer.text()
  await Promise.all(answer.exchange.background)
  return { status: answer.status, body, said: (answer.headers.get('cache-status') ?? '').replace('gatelet; ', ''), answer }
}

export const fresh = (body = 'hello', headers: Readonly<Record<string, string>> = {}): Reply =>
  text(body, { headers: { 'cache-control': 'max-age=60', ...headers } })

/** Something to wait for. */
export interface Gate {
  readonly passed: Promise<void>
  open(): void
}

export function closedGate(): Gate {
  let open = () => {}
  const passed = new Promise<void>((resolve) => {
    open = resolve
  })
  return { passed, open: () => open() }
}
