import { Agent, get, type IncomingMessage } from 'node:http'
import { boundedLoad, leastRequests, rendezvous, ringHash, roundRobin } from '@gatelet/balancer'
import type { StrategyFactory } from '@gatelet/core'
import { type OriginFarm, origins, requireProgram, startHaproxy, startNginx } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { counts, type FakeEndpoint, fakes, made, picks } from '../fakes.ts'

// The same traffic through nginx and HAProxy and through our strategies: the servers' choices are the oracle.
const isShort = process.env['HEAVY_SHORT'] === '1'

/** Asks one after another; each answer tells its origin's number. */
async function asked(url: string, paths: readonly string[]): Promise<number[]> {
  const agent = new Agent({ keepAlive: true, maxSockets: 1 })
  const seen: number[] = []
  for (const path of paths) seen.push(Number(await textOf(await responseOf(`${url}${path}`, agent))))
  agent.destroy()
  return seen
}

const responseOf = (url: string, agent: Agent) =>
  new Promise<IncomingMessage>((resolve, reject) => get(url, { agent }, resolve).on('error', reject))

async function textOf(response: IncomingMessage): Promise<string> {
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return text
}

const numbered = () => origins(3, { handler: (_req, res, origin) => void res.end(String(origin.id)) })

/** Origins that keep each request until they are told: it stays in flight. */
async function holding(n: number) {
  const held: (() => void)[] = []
  const inflight = new Array<number>(n).fill(0)
  let arrived = () => {}
  const farm = await origins(n, {
    handler(_req, res, origin) {
      inflight[origin.id] = (inflight[origin.id] ?? 0) + 1
      held.push(() => res.end(String(origin.id)))
      arrived()
    },
  })
  const agent = new Agent({ keepAlive: true, maxSockets: Number.POSITIVE_INFINITY })
  const answers: Promise<string>[] = []
  return {
    farm,
    inflight,
    /** Sends one, and waits until it has reached an origin. */
    async send(url: string) {
      const here = new Promise<void>((resolve) => (arrived = resolve))
      // Whoever forwards it ends before the origins do, and breaks it off.
      answers.push(responseOf(url, agent).then(textOf, () => ''))
      await here
    },
    async [Symbol.asyncDispose]() {
      for (const answer of held) answer()
      await Promise.all(answers)
      agent.destroy()
      await farm.close()
    },
  }
}

const hosts = (farm: OriginFarm) => farm.urls.map((url) => new URL(url).host)

const nginxOver = (servers: readonly string[], rule = '') =>
  startNginx(
    (port) => `
      upstream origins { ${rule} ${servers.map((server) => `server ${server} max_fails=0;`).join(' ')} }
      server { listen 127.0.0.1:${port}; location / { proxy_pass http://origins; } }`,
  )

const haproxyOver = (servers: readonly string[], rule: string) =>
  startHaproxy(
    (port) => `
listen all
  bind 127.0.0.1:${port}
  ${rule}
${servers.map((server, at) => `  server s${at} ${server}`).join('\n')}`,
  )

const withWeights = (farm: OriginFarm, weights: readonly number[]) =>
  hosts(farm).map((host, at) => `${host} weight=${weights[at]}`)

/** Requests that do not end, one after another, by our strategy. */
function filled(factory: StrategyFactory, weights: readonly number[], n: number, hashKey?: (at: number) => string): number[] {
  const endpoints = fakes(...weights)
  const strategy = made(factory, endpoints)
  for (let at = 0; at < n; at++)
    (strategy.pick({ hashKey: hashKey?.(at), attempt: 0, accepts: () => true }) as FakeEndpoint).inflight++
  return endpoints.map(({ inflight }) => inflight)
}

const shareOf = (seen: readonly number[], id: number) => seen.filter((each) => each === id).length / seen.length

const keyPaths = (n: number) => Array.from({ length: n }, (_, at) => `/?key=user-${at}`)

describe.skipIf(!requireProgram('nginx'))('like nginx', () => {
  test.each([[[5, 1, 1]], [[1, 1, 1]], [[4, 2, 1]], [[7, 3, 2]]])(
    'takes turns by the weights %j, in its very order',
    async (weights) => {
      await using farm = await numbered()
      await using nginx = await nginxOver(withWeights(farm, weights))
      const n = (isShort ? 3 : 20) * weights.reduce((a, b) => a + b)
      const ours = picks(made(roundRobin, fakes(...weights)), n).map((id) => 'abc'.indexOf(id ?? ''))
      expect(await asked(nginx.url, new Array<string>(n).fill('/'))).toEqual(ours)
    },
  )

  test.each([[[1, 1, 1]], [[3, 2, 1]]])('fills the least busy by the weights %j', async (weights) => {
    await using hold = await holding(3)
    await using nginx = await nginxOver(withWeights(hold.farm, weights), 'least_conn;')
    const n = 6 * (isShort ? 2 : 8)
    for (let sent = 0; sent < n; sent++) await hold.send(nginx.url)
    // nginx compares what is in flight, we what would be: the ways differ, and meet at each multiple of the sum.
    expect(hold.inflight).toEqual(filled(leastRequests, weights, n))
  })

  test('spreads keys over its ring no more unevenly than we do over ours', async () => {
    await using farm = await numbered()
    await using nginx = await nginxOver(withWeights(farm, [1, 1, 2]), 'hash $arg_key consistent;')
    const n = isShort ? 1_000 : 10_000
    const theirs = await asked(nginx.url, keyPaths(n))
    const strategy = made(ringHash(), fakes(1, 1, 2))
    const ours = counts(keyPaths(n).map((hashKey) => strategy.pick({ hashKey, attempt: 0, accepts: () => true })?.id))
    for (const [id, share] of [0.25, 0.25, 0.5].entries()) {
      // 160 points a weight: a standard deviation of 8 % of the share, and chance on top.
      expect(Math.abs(shareOf(theirs, id) / share - 1)).toBeLessThan(0.35)
      expect(Math.abs((ours['abc'.charAt(id)] ?? 0) / n / share - 1)).toBeLessThan(0.35)
    }
    expect(await asked(nginx.url, keyPaths(50))).toEqual(theirs.slice(0, 50))
  })
})

describe.skipIf(!requireProgram('haproxy'))('like HAProxy', () => {
  test.each([[[1, 1, 1]], [[5, 1, 1]], [[4, 2, 1]]])('gives each its weight of %j in every cycle', async (weights) => {
    await using farm = await numbered()
    await using haproxy = await haproxyOver(
      hosts(farm).map((host, at) => `${host} weight ${weights[at]}`),
      'balance roundrobin',
    )
    const sum = weights.reduce((a, b) => a + b)
    const n = (isShort ? 10 : 100) * sum
    const theirs = await asked(haproxy.url, new Array<string>(n).fill('/'))
    const ours = counts(picks(made(roundRobin, fakes(...weights)), n))
    for (const id of [0, 1, 2]) {
      // Its turns are not cut where ours are: at the ends one or two may differ.
      expect(Math.abs(theirs.filter((each) => each === id).length - (ours['abc'.charAt(id)] ?? 0))).toBeLessThanOrEqual(2)
    }
  })

  test.each([[[1, 1, 1]], [[3, 2, 1]]])('fills the least busy by the weights %j', async (weights) => {
    await using hold = await holding(3)
    await using haproxy = await haproxyOver(
      hosts(hold.farm).map((host, at) => `${host} weight ${weights[at]}`),
      'balance leastconn',
    )
    const n = 6 * (isShort ? 2 : 8)
    for (let sent = 0; sent < n; sent++) await hold.send(haproxy.url)
    const ours = filled(leastRequests, weights, n)
    for (const [at, theirs] of hold.inflight.entries()) expect(Math.abs(theirs - (ours[at] ?? 0))).toBeLessThanOrEqual(1)
  })

  test.each([125, 150, 200])('bounds the load of one key to %i percent strictly', async (percent) => {
    await using hold = await holding(3)
    await using haproxy = await haproxyOver(
      hosts(hold.farm),
      `balance url_param key\n  hash-type consistent\n  hash-balance-factor ${percent}`,
    )
    const n = isShort ? 12 : 60
    for (let sent = 1; sent <= n; sent++) {
      await hold.send(`${haproxy.url}/?key=hot`)
      // Its slots: total = ((served + 1) × factor + 99) / 100, of which each server has its share, rounded up.
      const slots = Math.ceil(Math.floor((sent * percent + 99) / 100) / 3)
      expect(Math.max(...hold.inflight)).toBeLessThanOrEqual(slots)
    }
    const sorted = (list: readonly number[]) => [...list].sort((a, b) => b - a)
    const ours = sorted(filled(boundedLoad(rendezvous, { factor: percent / 100 }), [1, 1, 1], n, () => 'hot'))
    for (const [at, theirs] of sorted(hold.inflight).entries()) expect(Math.abs(theirs - (ours[at] ?? 0))).toBeLessThanOrEqual(1)
  })
})
