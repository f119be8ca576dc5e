import { type Check, type Checks, checkOptions, GatewayError, options, type StrategyFactory } from '@gatelet/core'

/** What is simulated. Times are in virtual milliseconds. */
export interface SimulateOptions {
  /** The servers, or how many equal ones; 1 to 100,000. */
  endpoints: number | readonly SimulatedEndpoint[]
  /** When requests come: at random with this rate (a Poisson process), or at these times, in ascending order. */
  arrivals: PoissonArrivals | readonly number[]
  /** How much work a request is. */
  serviceTimes: ServiceTimes
  /** Who picks. */
  strategy: StrategyFactory
  /** What goes wrong, where and when. Default: nothing. */
  faults?: readonly SimulatedFault[]
  /** How often a request that failed is sent again, to another endpoint; 0 to 10. Default 0. */
  retries?: number
  /** The key of the request at this place, for strategies that hash. Default: none has one. */
  hashKey?: (request: number) => string | undefined
  /** Any whole number; the same gives the same result. Default 1. */
  seed?: number
}

/** One server. */
export interface SimulatedEndpoint {
  /** Default: `e0`, `e1` and so on, by its place in the list. */
  id?: string
  /** What the strategy is told of it, 0 to 1,000,000; 0 gets nothing. How fast it is, is for `slowness` and `workers` to say. Default 1. */
  weight?: number
  /** How much longer everything takes it than an ordinary one, more than 0. Default 1. */
  slowness?: number
  /** How many requests it works on at once, 1 to 1,000,000. Default 1. */
  workers?: number
  /** For strategies that read it. Default: nothing. */
  metadata?: Readonly<Record<string, unknown>>
}

/** Requests that come independently of each other. */
export interface PoissonArrivals {
  /** How many a second on average, more than 0. */
  perSecond: number
  /** How many in all, 1 to 10,000,000: about 50 bytes each are held. */
  requests: number
}

/** How long a server works on a request, if it is an ordinary one. */
export interface ServiceTimes {
  /** On average, more than 0. */
  meanMs: number
  /** `exponential`: many short ones and a few long ones. `constant`: each the same. Default `exponential`. */
  kind?: 'exponential' | 'constant'
}

/** What is wrong with an endpoint for a while. */
export interface SimulatedFault {
  /** The id of the endpoint. */
  endpoint: string
  /**
   * `down`: what it works on is lost, and whoever asks is refused after 1 ms. `slow`: what it begins takes `factor` times as long.
   * `error`: it answers 500 to what it begins, after 1 ms.
   */
  kind: 'down' | 'slow' | 'error'
  /** When it begins. */
  fromMs: number
  /** When it is over, after `fromMs`. Default: never. */
  toMs?: number
  /** For `slow`, more than 0. Default 10. */
  factor?: number
}

/** Checked, and every default filled in. */
export interface SimulateSettings {
  readonly endpoints: readonly Required<SimulatedEndpoint>[]
  readonly arrivals: PoissonArrivals | readonly number[]
  readonly serviceTimes: Required<ServiceTimes>
  readonly strategy: StrategyFactory
  readonly faults: readonly Required<SimulatedFault>[]
  readonly retries: number
  readonly hashKey: (request: number) => string | undefined
  readonly seed: number
}

/** @throws GatewayError `BAD_OPTION` */
export function simulateSettings(given: SimulateOptions): SimulateSettings {
  const checked = checkOptions('simulate', given, checks)
  const { arrivals, strategy, retries = 0, hashKey = noKey, seed = 1, serviceTimes, faults = [] } = checked
  const list =
    typeof checked.endpoints === 'number' ? new Array<SimulatedEndpoint>(checked.endpoints).fill({}) : checked.endpoints
  const endpoints = list.map((endpoint, at) => ({ ...ordinary, id: `e${at}`, ...endpoint }))
  checkIds(endpoints, faults)
  return {
    endpoints,
    arrivals,
    serviceTimes: { kind: 'exponential', ...serviceTimes },
    strategy,
    faults: faults.map((fault) => ({ toMs: Number.POSITIVE_INFINITY, factor: 10, ...fault })),
    retries,
    hashKey,
    seed,
  }
}

const ordinary = { weight: 1, slowness: 1, workers: 1, metadata: Object.freeze({}) }

const noKey = () => undefined

function checkIds(endpoints: readonly { id: string }[], faults: readonly SimulatedFault[]): void {
  const ids = new Set<string>()
  for (const [at, { id }] of endpoints.entries()) {
    if (ids.has(id)) throw bad(`endpoints[${at}].id`, `must be an id that no other has (got ${JSON.stringify(id)})`)
    ids.add(id)
  }
  for (const [at, { endpoint }] of faults.entries()) {
    if (!ids.has(endpoint)) throw bad(`faults[${at}].endpoint`, `must be the id of an endpoint (got ${JSON.stringify(endpoint)})`)
  }
}

const bad = (path: string, what: string) => new GatewayError('BAD_OPTION', { path, message: `simulate: ${path} ${what}` })

const { either, fn, list, number, oneOf, optional, record, shape, string, wrong } = options

const MAX_REQUESTS = 10_000_000
const whole = (min: number, max: number) => number({ min, max, integer: true })
const moment = number({ min: 0, max: Number.MAX_SAFE_INTEGER, unit: 'milliseconds' })
const factor = number({ min: 0.001, max: 1_000_000 })

const ascending: Check<readonly number[]> = (value, path) => {
  const times = list(moment, { min: 1, max: MAX_REQUESTS })(value, path)
  const late = times.findIndex((time, at) => time < (times[at - 1] ?? 0))
  if (late >= 0) throw wrong(times[late], `${path}[${late}]`, `at least the one before, which is ${times[late - 1]}`)
  return times
}

const fault: Check<SimulatedFault> = (value, path) => {
  const checked = shape<SimulatedFault>({
    endpoint: string,
    kind: oneOf('down', 'slow', 'error'),
    fromMs: moment,
    toMs: optional(moment),
    factor: optional(factor),
  })(value, path)
  const { fromMs, toMs = Number.POSITIVE_INFINITY } = checked
  if (toMs <= fromMs) throw wrong(toMs, `${path}.toMs`, `more than fromMs, which is ${fromMs}`)
  return checked
}

const checks: Checks<SimulateOptions> = {
  endpoints: either(
    'how many there are, from 1 to 100000, or a list of them',
    whole(1, 100_000),
    list(
      shape<SimulatedEndpoint>({
        id: optional(string),
        weight: optional(number({ min: 0, max: 1_000_000 })),
        slowness: optional(factor),
        workers: optional(whole(1, 1_000_000)),
        metadata: optional(record(options.anything)),
      }),
      { min: 1, max: 100_000 },
    ),
  ),
  arrivals: either(
    'an object with perSecond and requests, or a list of times',
    ascending,
    shape<PoissonArrivals>({ perSecond: number({ min: 0.001, max: 1e9 }), requests: whole(1, MAX_REQUESTS) }),
  ),
  serviceTimes: shape<ServiceTimes>({
    meanMs: number({ min: 0.001, max: 1e9, unit: 'milliseconds' }),
    kind: optional(oneOf('exponential', 'constant')),
  }),
  strategy: fn<StrategyFactory>('a strategy factory'),
  faults: optional(list(fault)),
  retries: optional(whole(0, 10)),
  hashKey: optional(fn<NonNullable<SimulateOptions['hashKey']>>('a function of the place of a request')),
  seed: optional(whole(Number.MIN_SAFE_INTEGER, Number.MAX_SAFE_INTEGER)),
}
