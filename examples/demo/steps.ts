import { setTimeout } from 'node:timers/promises'
import type { Gateway } from 'gatelet'
import { subscribe } from 'gatelet/core'
import { Load, type Seen, total } from './load.ts'
import type { Origin } from './origins.ts'
import { bars, summary } from './print.ts'

/** What the steps work on. */
export interface Stage {
  readonly gateway: Gateway<'hello'>
  /** Where the clients ask. */
  readonly url: string
  /** At work from the start: three, named a, b and c. */
  readonly origins: readonly [Origin, Origin, Origin]
  /** Comes and goes. */
  readonly fourth: Origin
  /** Prints what was seen, and remembers when it is not what it should be. */
  check(holds: boolean, what: string): void
}

export const PER_SECOND = 200

/** What the demo shows, in this order. */
export const steps: readonly [title: string, step: (stage: Stage) => Promise<void>][] = [
  ['Traffic is spread over three origins', spread],
  ['One origin is killed under load', kill],
  ['The origin is back', back],
  ['A fourth endpoint is added, drained and removed', addAndDrain],
]

async function spread(stage: Stage): Promise<void> {
  const seen = await underLoad(stage, () => setTimeout(1_500))
  const shares = stage.origins.map(({ name }) => (seen.answered[name] ?? 0) / seen.sent)
  stage.check(
    shares.every((share) => share > 0.2),
    `each took its share: ${shares.map((share) => `${Math.round(share * 100)} %`).join(', ')}`,
  )
}

async function kill(stage: Stage): Promise<void> {
  const [, b] = stage.origins
  const watched = new Watched(b.name)
  let killedAt = 0
  await underLoad(stage, async () => {
    await setTimeout(1_000)
    killedAt = performance.now()
    await b.kill()
    await setTimeout(2_000)
  })
  watched.stop()
  const { failures, ejectedAt = Number.NaN } = watched
  stage.check(failures > 0, `${failures} attempts at ${b.name} failed behind the gateway`)
  stage.check(ejectedAt > killedAt, `${b.name} was passed over ${Math.round(ejectedAt - killedAt)} ms after it was killed`)
}

async function back(stage: Stage): Promise<void> {
  const [, b] = stage.origins
  let after = 0
  const seen = await underLoad(stage, async (sofar) => {
    await b.start()
    const startedAt = performance.now()
    await until(() => (sofar.answered[b.name] ?? 0) > 0)
    after = performance.now() - startedAt
    await setTimeout(1_500)
  })
  stage.check((seen.answered[b.name] ?? 0) > 0, `${b.name} answered again ${Math.round(after)} ms after it was started`)
}

async function addAndDrain(stage: Stage): Promise<void> {
  const { gateway, fourth } = stage
  const { name } = fourth
  const { hello } = gateway.upstreams
  const watched = new Watched(name)
  let isIdle = false
  let inflight = 0
  let whenDrained = 0
  await fourth.start()
  const seen = await underLoad(stage, async () => {
    await setTimeout(500)
    const added = hello.add({ id: name, url: fourth.url })
    await setTimeout(1_500)
    inflight = added.inflight
    isIdle = await hello.drain(name)
    whenDrained = watched.attempts
    await setTimeout(800)
    await hello.remove(name)
    await fourth.kill()
    await setTimeout(200)
  })
  watched.stop()
  const answered = seen.answered[name] ?? 0
  stage.check(answered > 0, `${name} answered ${answered} requests while it was there`)
  stage.check(isIdle, `drained: those that were in flight (${inflight}) ended first`)
  stage.check(watched.attempts === whenDrained, `${watched.attempts - whenDrained} requests came to it after that`)
}

/** Lets clients ask while `act` runs, shows who answered, and checks that no request failed. */
async function underLoad({ url, check }: Stage, act: (sofar: Seen) => Promise<unknown>): Promise<Seen> {
  const load = new Load(url, PER_SECOND)
  await act(load.seen)
  const seen = await load.stop()
  bars(seen.answered)
  check(total(seen.failed) === 0 && total(seen.answered) === seen.sent, summary(seen))
  return seen
}

/** What happens to one endpoint, from the events that Gatelet tells. */
class Watched {
  attempts = 0
  failures = 0
  ejectedAt: number | undefined
  readonly stop: () => void

  constructor(id: string) {
    const undo = [
      subscribe('upstream:attempted', ({ endpoint, outcome }) => {
        if (endpoint.id !== id) return
        this.attempts++
        if (outcome.kind === 'failure') this.failures++
      }),
      subscribe('endpoint:changed', ({ endpoint, change }) => {
        if (endpoint.id === id && change === 'ejected') this.ejectedAt ??= performance.now()
      }),
    ]
    this.stop = () => {
      for (const each of undo) each()
    }
  }
}

async function until(condition: () => boolean): Promise<void> {
  const end = performance.now() + 10_000
  while (!condition() && performance.now() < end) await setTimeout(5)
}
