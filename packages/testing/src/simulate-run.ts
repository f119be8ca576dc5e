import type { Endpoint, Outcome, Strategy } from '@gatelet/core'
import { seededRandom } from './seeded-random.ts'
import { Events } from './simulate-events.ts'
import type { SimulateSettings } from './simulate-options.ts'
import { SimulatedPicks } from './simulate-picks.ts'
import { SimulatedServer } from './simulate-server.ts'
import { SimulatedTraffic } from './simulate-traffic.ts'

type Ending = 'answer' | 'error' | 'refusal'

// How long it takes to be refused, or to get an error.
const FAILURE_MS = 1

// An event says which attempt of a request it is about, so that one which was lost meanwhile is passed over.
const ATTEMPTS = 16

/** One run: requests arrive, are sent to a server, wait there, are worked on, and end. */
export class Run {
  readonly servers: readonly SimulatedServer[]
  now = 0
  requests = 0
  answers = 0
  failures = 0
  maxInflight = 0
  /** Of the requests that were answered: as many as `answers` says. */
  readonly latencies: Float64Array
  private readonly settings: SimulateSettings
  private readonly strategy: Strategy
  private readonly picks: SimulatedPicks
  private readonly traffic: SimulatedTraffic
  private readonly events = new Events()
  private readonly tried = new Map<number, Endpoint[]>()
  // One place for each request.
  private readonly arrivedAt: Float64Array
  private readonly startedAt: Float64Array
  private readonly work: Float64Array
  private readonly attempts: Uint8Array
  private readonly endings: Ending[] = []
  private readonly sentTo: SimulatedServer[] = []
  private open = 0
  private inflight = 0

  constructor(settings: SimulateSettings) {
    this.settings = settings
    // Chance of its own for each, so that a strategy which asks more often does not meet other requests.
    const seeds = seededRandom(settings.seed)
    const seedOf = () => seeds() * 2 ** 32
    this.traffic = new SimulatedTraffic(settings, seedOf)
    this.strategy = settings.strategy({ now: () => this.now, random: seededRandom(seedOf()) })
    this.servers = settings.endpoints.map((endpoint) => new SimulatedServer(endpoint))
    this.picks = new SimulatedPicks(this.strategy, this.servers)
    const { total } = this.traffic
    this.latencies = new Float64Array(total)
    this.arrivedAt = new Float64Array(total)
    this.startedAt = new Float64Array(total)
    this.work = new Float64Array(total)
    this.attempts = new Uint8Array(total)
  }

  play(): void {
    const { events, traffic } = this
    this.scheduleFaults()
    let arrival = traffic.arrival(0, 0)
    while (arrival < Number.POSITIVE_INFINITY || this.open > 0) {
      if (arrival < events.next) {
        this.now = arrival
        this.arrive()
        arrival = traffic.arrival(this.requests, arrival)
      } else {
        this.now = events.next
        this.happen(events.take())
      }
    }
  }

  private arrive(): void {
    const request = this.requests++
    this.open++
    this.arrivedAt[request] = this.now
    this.work[request] = this.traffic.nextWork()
    this.send(request)
  }

  private send(request: number): void {
    const server = this.picks.pick(this.tried.get(request) ?? nobody, this.settings.hashKey(request))
    if (!server) {
      this.end(request, false)
      return
    }
    server.enter()
    this.inflight++
    if (this.inflight > this.maxInflight) this.maxInflight = this.inflight
    this.sentTo[request] = server
    this.startedAt[request] = this.now
    if (server.downs > 0) this.plan(request, 'refusal', FAILURE_MS)
    else if (server.hasFreeWorker) this.begin(server, request)
    else server.wait(request)
  }

  private begin(server: SimulatedServer, request: number): void {
    server.busy++
    if (server.errors > 0) this.plan(request, 'error', FAILURE_MS)
    else this.plan(request, 'answer', (this.work[request] as number) * server.factor)
  }

  private plan(request: number, ending: Ending, afterMs: number): void {
    this.endings[request] = ending
    this.events.add(this.now + afterMs, request * ATTEMPTS + (this.attempts[request] as number))
  }

  private happen(token: number): void {
    if (token < 0) {
      this.turnFault(-token - 1)
      return
    }
    const request = Math.floor(token / ATTEMPTS)
    if (this.attempts[request] !== token % ATTEMPTS) return
    const server = this.sentTo[request] as SimulatedServer
    const ending = this.endings[request] as Ending
    if (ending !== 'refusal') {
      server.busy--
      const next = server.nextWaiting()
      if (next !== undefined) this.begin(server, next)
    }
    this.attempted(request, server, ending)
  }

  /** Tells the strategy, frees the slot, and sends the request again where that is to be done. */
  private attempted(request: number, server: SimulatedServer, ending: Ending): void {
    this.strategy.report?.(server, outcome(ending, this.now - (this.startedAt[request] as number)))
    server.inflight--
    this.inflight--
    const attempts = (this.attempts[request] as number) + 1
    this.attempts[request] = attempts
    if (ending === 'answer') {
      this.end(request, true)
      return
    }
    server.failures++
    if (attempts > this.settings.retries) {
      this.end(request, false)
      return
    }
    this.tried.set(request, [...(this.tried.get(request) ?? nobody), server])
    this.send(request)
  }

  private end(request: number, isAnswered: boolean): void {
    this.open--
    this.tried.delete(request)
    if (isAnswered) this.latencies[this.answers++] = this.now - (this.arrivedAt[request] as number)
    else this.failures++
  }

  private scheduleFaults(): void {
    for (const [at, { fromMs, toMs }] of this.settings.faults.entries()) {
      this.events.add(fromMs, -1 - 2 * at)
      if (toMs < Number.POSITIVE_INFINITY) this.events.add(toMs, -2 - 2 * at)
    }
  }

  /** @param turn twice the place of the fault, and one more where it ends */
  private turnFault(turn: number): void {
    const fault = this.settings.faults[turn >> 1]
    const server = this.servers.find(({ id }) => id === fault?.endpoint)
    if (!fault || !server) return
    const step = turn % 2 === 0 ? 1 : -1
    if (fault.kind === 'down') server.downs += step
    else if (fault.kind === 'error') server.errors += step
    else server.factor *= fault.factor ** step
    if (fault.kind === 'down' && step === 1) this.lose(server)
  }

  /** Everything that a server has is lost. */
  private lose(server: SimulatedServer): void {
    const isHere = (request: number) => this.sentTo[request] === server && this.endings[request] !== 'refusal'
    const working = this.events.all
      .filter((token) => token >= 0 && this.attempts[Math.floor(token / ATTEMPTS)] === token % ATTEMPTS)
      .map((token) => Math.floor(token / ATTEMPTS))
      .filter(isHere)
    const waiting = server.takeWaiting()
    server.busy = 0
    for (const request of [...working, ...waiting].sort((a, b) => a - b)) this.attempted(request, server, 'refusal')
  }
}

const nobody: readonly Endpoint[] = []

function outcome(ending: Ending, latencyMs: number): Outcome {
  if (ending === 'refusal') return { kind: 'failure', latencyMs }
  return ending === 'error' ? { kind: 'failure', latencyMs, status: 500 } : { kind: 'success', latencyMs, status: 200 }
}
