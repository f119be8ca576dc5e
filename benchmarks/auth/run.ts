import { cpuUsage } from 'node:process'
import { apiKey, createApiKey, jwt, memoryApiKeys, type Verifier } from '@gatelet/auth'
import { type Context, Exchange, HeaderList, type IncomingRequest } from '@gatelet/core'
import { type CryptoKey, exportJWK, generateKeyPair, generateSecret, type JWTPayload, jwtVerify, SignJWT } from 'jose'
import { quantile, shuffled } from '../statistics.ts'

// What it costs to know who is asking. Tokens that were seen before: 2 million a second of CPU time. Tokens that were not: no more
// than 1.15 times what jose alone needs for the same checks with the same key. And whether the time that an API key takes tells if
// there is one of its name.
const isShort = process.env['BENCH_SHORT'] === '1'
const ROUNDS = isShort ? 7 : 31
const KNOWN = isShort ? 20_000 : 50_000
const KEYS = isShort ? 10_000 : 50_000
const FRESH = isShort ? 256 : 1_024
const AT_ONCE = 64
const TIMINGS = isShort ? 5_000 : 50_000
const issuer = 'https://id.example.com/'

async function cached(): Promise<void> {
  const { verifier, tokens } = await signed('ES256', 10_000, 1)
  // As a server gets them: each header is a text of its own, of which no hash is known.
  const value = Buffer.from(`Bearer ${tokens[0]}`)
  const requests = () => Array.from({ length: KNOWN }, () => contextOf({ authorization: value.toString('latin1') }))
  await verifier.verify(contextOf({ authorization: value.toString('latin1') }))
  const rate = best((contexts) => {
    for (const ctx of contexts) verifier.verify(ctx)
    return contexts.length
  }, requests)
  tell('known tokens', `${(rate / 1e6).toFixed(2)} million a CPU second`, rate < 2e6 && 'below the goal of 2')
}

async function fresh(algorithm: 'RS256' | 'ES256' | 'EdDSA' | 'HS256'): Promise<void> {
  const { verifier, tokens, key } = await signed(algorithm, 0, FRESH)
  const contexts = tokens.map((token) => contextOf({ authorization: `Bearer ${token}` }))
  const rules = { issuer, audience: 'api', algorithms: [algorithm], clockTolerance: 5 }
  const ours = () => spread(contexts, (ctx) => verifier.verify(ctx))
  const theirs = () => spread(tokens, (token) => jwtVerify(token, key, rules))
  const times = { ours: [] as number[], theirs: [] as number[] }
  // What is not compiled yet is measured by nobody.
  for (let at = 0; at < 2_000; at += FRESH) for (const work of [ours, theirs]) await work()
  for (let round = 0; round < ROUNDS; round++) {
    for (const name of shuffled(['ours', 'theirs'] as const)) times[name].push(await cpuOf(name === 'ours' ? ours : theirs))
  }
  const [own, alone] = [quantile(times.ours, 0.25) / FRESH, quantile(times.theirs, 0.25) / FRESH]
  const share = own / alone
  tell(
    `new tokens, ${algorithm}`,
    `${own.toFixed(0)} µs, jose alone ${alone.toFixed(0)} µs: ${share.toFixed(2)}×`,
    share > 1.15 && 'above the goal of 1.15',
  )
}

async function keys(): Promise<void> {
  const pepper = new Uint8Array(32).fill(7)
  const { key, stored } = createApiKey({ subject: 'ada', pepper })
  const verifier = apiKey({ keys: memoryApiKeys([stored]), pepper })
  // As a server gets them: a text that is put together of others is read more slowly.
  const ask = (text: string) => contextOf({ 'x-api-key': Buffer.from(text).toString('latin1') })
  const good = ask(key)
  // They differ in one letter each, so that nothing but what is kept makes a difference: whoever asks knows what they ask.
  const [wrong, unknown] = [key.length - 1, key.indexOf('.') - 1].map((at) => ask(withAnother(key, at))) as [Context, Context]
  const rate = best(() => {
    for (let asked = 0; asked < KEYS; asked++) verifier.verify(good)
    return KEYS
  })
  tell('API keys', `${(rate / 1e3).toFixed(0)} thousand a CPU second`, false)
  const times: Record<'wrong' | 'unknown', number[]> = { wrong: [], unknown: [] }
  for (let round = 0; round < TIMINGS; round++) {
    for (const name of shuffled(['wrong', 'unknown'] as const)) {
      const ctx = name === 'wrong' ? wrong : unknown
      const before = process.hrtime.bigint()
      verifier.verify(ctx)
      times[name].push(Number(process.hrtime.bigint() - before))
    }
  }
  const [one, two] = [quantile(times.wrong, 0.5), quantile(times.unknown, 0.5)]
  const t = welch(times.wrong, times.unknown)
  tell(
    'a wrong secret, an unknown key',
    `${one} ns, ${two} ns in the middle; t = ${t.toFixed(1)} of ${TIMINGS} each`,
    Math.abs(t) > 10 && 'they can be told apart',
  )
}

const withAnother = (text: string, at: number) => text.slice(0, at) + (text[at] === 'a' ? 'b' : 'a') + text.slice(at + 1)

/** Welch's t, without the slowest tenth: what disturbs is not what is measured. */
function welch(a: readonly number[], b: readonly number[]): number {
  const [x, y] = [trimmed(a), trimmed(b)]
  return (mean(x) - mean(y)) / Math.sqrt(variance(x) / x.length + variance(y) / y.length)
}

const trimmed = (values: readonly number[]) => {
  const limit = quantile(values, 0.9)
  return values.filter((value) => value <= limit)
}
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length
const variance = (values: readonly number[]) => {
  const middle = mean(values)
  return values.reduce((sum, value) => sum + (value - middle) ** 2, 0) / (values.length - 1)
}

interface Signed {
  readonly verifier: Verifier
  readonly tokens: readonly string[]
  readonly key: CryptoKey | Uint8Array
}

async function signed(algorithm: string, cacheTokens: number, count: number): Promise<Signed> {
  const pair = algorithm.startsWith('HS') ? await secret(algorithm) : await generateKeyPair(algorithm, { extractable: true })
  const jwk = await exportJWK(pair.publicKey)
  const claims: JWTPayload = {
    iss: issuer,
    aud: 'api',
    scope: 'read write',
    roles: ['admin'],
    email: 'ada@example.com',
    jti: 'x',
  }
  const tokens = await Promise.all(
    Array.from({ length: count }, (_, at) =>
      new SignJWT({ ...claims, sub: `user-${at}` })
        .setProtectedHeader({ alg: algorithm, typ: 'JWT' })
        .setIssuedAt()
        .setExpirationTime('2h')
        .sign(pair.privateKey),
    ),
  )
  const verifier = jwt({ issuer, audience: 'api', algorithms: [algorithm as 'ES256'], keys: [jwk], cacheTokens })
  return { verifier, tokens, key: pair.publicKey }
}

async function secret(algorithm: string): Promise<{ privateKey: CryptoKey; publicKey: CryptoKey }> {
  const key = (await generateSecret(algorithm, { extractable: true })) as CryptoKey
  return { privateKey: key, publicKey: key }
}

function contextOf(headers: Record<string, string>): Context {
  const request: IncomingRequest = {
    method: 'GET',
    url: { scheme: 'https', host: 'api.example.com', port: undefined, path: '/', search: '' },
    target: '/',
    headers: new HeaderList({ host: 'api.example.com', accept: '*/*', 'user-agent': 'x', ...headers }),
    body: null,
    client: { address: '192.0.2.1', peer: '192.0.2.1', viaTrustedProxy: false },
    kind: 'request',
    protocol: '1.1',
  }
  return new Exchange({ inform() {} }).open(request)
}

/** Does something for each, so many at a time. */
async function spread<T>(items: readonly T[], work: (item: T) => unknown): Promise<void> {
  let next = 0
  const worker = async () => {
    while (next < items.length) await work(items[next++] as T)
  }
  await Promise.all(Array.from({ length: AT_ONCE }, worker))
}

async function cpuOf(work: () => Promise<void>): Promise<number> {
  const before = cpuUsage()
  await work()
  const { user, system } = cpuUsage(before)
  return user + system
}

/** How many a second of CPU time, in the better rounds: what disturbs only takes away. `prepare` is not measured. */
function best<T = void>(work: (prepared: T) => number, prepare: () => T = () => undefined as T): number {
  const rates = Array.from({ length: ROUNDS }, () => {
    const prepared = prepare()
    const before = cpuUsage()
    const count = work(prepared)
    const { user, system } = cpuUsage(before)
    return (count / (user + system)) * 1e6
  })
  return quantile(rates, 0.75)
}

function tell(what: string, found: string, complaint: string | false): void {
  console.log(`${what.padEnd(32)}${found}${complaint ? `  (${complaint})` : ''}`)
}

await cached()
for (const algorithm of ['RS256', 'ES256', 'EdDSA', 'HS256'] as const) await fresh(algorithm)
await keys()
