import { createHmac } from 'node:crypto'
import { auth, memoryReplays, type Verdict, type WebhookOptions, type WebhookScheme, webhook } from '@gatelet/auth'
import { bytesOf, chain, HeaderList, PushSource, type Source } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contextOf, replyOf } from '../fakes.ts'

const body = '{"event":"paid"}'
const now = 1_700_000_000
const secret = 'a secret of the service'
const standardSecret = `whsec_${Buffer.from('0123456789abcdef01234567').toString('base64')}`
const clock = virtualClock({ date: now * 1_000 })

const mac = (text: string, encoding: 'hex' | 'base64' = 'hex', key: string | Buffer = secret) =>
  createHmac('sha256', key).update(text).digest(encoding)

const standardKey = Buffer.from(standardSecret.slice(6), 'base64')

/** What each service would send. */
const sent = {
  github: (text = body) => ({ 'x-hub-signature-256': `sha256=${mac(text)}` }),
  shopify: (text = body) => ({ 'x-shopify-hmac-sha256': mac(text, 'base64') }),
  slack: (text = body, time = now) => ({
    'x-slack-request-timestamp': String(time),
    'x-slack-signature': `v0=${mac(`v0:${time}:${text}`)}`,
  }),
  stripe: (text = body, time = now) => ({ 'stripe-signature': `t=${time},v1=${mac(`${time}.${text}`)},v0=${'0'.repeat(64)}` }),
  standard: (text = body, time = now) => ({
    'webhook-id': 'msg_1',
    'webhook-timestamp': String(time),
    'webhook-signature': `v1,${mac(`msg_1.${time}.${text}`, 'base64', standardKey)}`,
  }),
} as const

type Name = keyof typeof sent
const names = Object.keys(sent) as Name[]
const dated = ['slack', 'stripe', 'standard'] as const
const secretOf = (scheme: Name) => (scheme === 'standard' ? standardSecret : secret)

function verdictOn(
  scheme: Name,
  headers: Record<string, string>,
  text: string | Uint8Array | Source | null = body,
  options: Partial<WebhookOptions> = {},
): Verdict | Promise<Verdict> {
  const ctx = contextOf(headers, { method: 'POST', body: text })
  return webhook({ scheme, secrets: secretOf(scheme), clock, ...options }).verify(ctx)
}

function pushed(text: string): Source {
  const source = new PushSource({ start: () => void queueMicrotask(push), pause() {}, resume() {}, cancel() {} })
  const push = () => {
    source.push(Buffer.from(text))
    source.end()
  }
  return source
}

// The examples that GitHub, Slack and Standard Webhooks give themselves.
test.each<[string, WebhookOptions, Record<string, string>, string, number]>([
  [
    'GitHub',
    { scheme: 'github', secrets: "It's a Secret to Everybody" },
    { 'x-hub-signature-256': 'sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17' },
    'Hello, World!',
    now,
  ],
  [
    'Slack',
    { scheme: 'slack', secrets: '8f742231b10e8888abcd99yyyzzz85a5' },
    {
      'x-slack-request-timestamp': '1531420618',
      'x-slack-signature': 'v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503',
    },
    'token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c',
    1_531_420_618,
  ],
  [
    'Standard Webhooks',
    { scheme: 'standard', secrets: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw' },
    {
      'webhook-id': 'msg_p5jXN8AQM9LWM0D4loKWxJek',
      'webhook-timestamp': '1614265330',
      'webhook-signature': 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    },
    '{"test": 2432232314}',
    1_614_265_330,
  ],
])('takes the example of %s', (_, options, headers, text, at) => {
  const verifier = webhook({ ...options, clock: virtualClock({ date: at * 1_000 }) })
  expect(verifier.verify(contextOf(headers, { body: text }))).toMatchObject({ kind: 'proved' })
  expect(verifier.verify(contextOf(headers, { body: `${text} ` }))).toMatchObject({ reason: 'bad-signature' })
})

describe.each(names)('a webhook of %s', (scheme) => {
  test('says whose it is', () => {
    for (const text of [body, Buffer.from(body)])
      expect(verdictOn(scheme, sent[scheme](), text)).toMatchObject({
        kind: 'proved',
        principal: { subject: scheme, scheme: 'webhook' },
      })
    expect(verdictOn(scheme, sent[scheme](), body, { subject: 'shop' })).toMatchObject({ principal: { subject: 'shop' } })
  })

  test('is absent without its field', () => {
    expect(verdictOn(scheme, { 'x-other': '1' })).toEqual({ kind: 'absent' })
  })

  test('gives its body on, byte for byte', async () => {
    const seen: string[] = []
    const handler = chain()
      .use(auth(webhook({ scheme, secrets: secretOf(scheme), clock })))
      .to(async (ctx) => {
        seen.push(String(Buffer.from(await bytesOf(ctx.request.body, 1_000))))
        return { status: 204, headers: new HeaderList(), body: null }
      })
    expect((await replyOf(handler, contextOf(sent[scheme](), { body: pushed(body) }))).status).toBe(204)
    expect(seen).toEqual([body])
  })

  test('of another body, with none, or by another secret is refused', async () => {
    const other = scheme === 'standard' ? `whsec_${Buffer.alloc(24).toString('base64')}` : 'another secret of it'
    const verdicts = [
      verdictOn(scheme, sent[scheme](), '{"event":"void"}'),
      verdictOn(scheme, sent[scheme](), null),
      await verdictOn(scheme, sent[scheme](), pushed('{}')),
      verdictOn(scheme, sent[scheme](), body, { secrets: other }),
    ]
    for (const verdict of verdicts) expect(verdict).toEqual({ kind: 'refused', status: 401, reason: 'bad-signature' })
    expect(verdictOn(scheme, sent[scheme](), body, { secrets: [other, secretOf(scheme)] })).toMatchObject({ kind: 'proved' })
  })

  test('that is too long is answered 413, and nobody holds it', async () => {
    const handler = chain()
      .use(auth(webhook({ scheme, secrets: secretOf(scheme), maxBytes: 8, clock })))
      .to(() => ({ status: 204, headers: new HeaderList(), body: null }))
    expect((await replyOf(handler, contextOf(sent[scheme](), { body: pushed(body) }))).status).toBe(413)
  })

  test('whose field stands there twice is malformed', () => {
    const fields = Object.entries(sent[scheme]())
    const headers = new HeaderList([...fields, fields.at(-1) as [string, string]])
    const verdict = webhook({ scheme, secrets: secretOf(scheme), clock }).verify(contextOf({}, { headers, body }))
    expect(verdict).toEqual({ kind: 'refused', status: 400, reason: 'malformed' })
  })

  test('of which one character is another is never taken', () => {
    const headers: Record<string, string> = sent[scheme]()
    const parts = { ...headers, body }
    const changed = fc
      .tuple(fc.constantFrom(...Object.keys(parts)), fc.nat(), fc.integer({ min: 0x21, max: 0x7e }))
      .map(([name, at, code]) => {
        const text = (parts as Record<string, string>)[name] ?? ''
        const spot = at % text.length
        return { name, spot, text, next: text.slice(0, spot) + String.fromCharCode(code) + text.slice(spot + 1) }
      })
      // What Stripe says in old versions of signatures does not count.
      .filter(({ name, spot, text, next }) => next !== text && (name !== 'stripe-signature' || spot < text.indexOf(',v0=')))
    fc.assert(
      fc.property(changed, ({ name, next }) => {
        const { body: text, ...fields } = { ...parts, [name]: next } as typeof parts
        return (verdictOn(scheme, fields as Record<string, string>, text) as Verdict).kind !== 'proved'
      }),
      { seed: 256, numRuns: 500 },
    )
  })

  test('never throws, whatever its fields say', () => {
    const field = fc.string().map((text) => text.replace(/[^\x20-\x7e]/g, ''))
    const fields = fc.record(Object.fromEntries(Object.keys(sent[scheme]()).map((name) => [name, field])))
    fc.assert(
      fc.property(fields, (headers) => (verdictOn(scheme, headers as Record<string, string>) as Verdict).kind === 'refused'),
      { seed: 256, numRuns: 300 },
    )
  })
})

describe.each(dated)('a webhook of %s', (scheme) => {
  test('of long ago, or of the future, is refused', () => {
    for (const time of [now - 301, now + 301])
      expect(verdictOn(scheme, sent[scheme](body, time))).toMatchObject({ status: 401, reason: 'too-old' })
    for (const time of [now - 299, now + 299])
      expect(verdictOn(scheme, sent[scheme](body, time))).toMatchObject({ kind: 'proved' })
    expect(verdictOn(scheme, sent[scheme](body, now - 301), body, { toleranceMs: 302_000 })).toMatchObject({ kind: 'proved' })
  })

  test('is taken once where that is remembered; one that is sent again later, too', async () => {
    const replays = memoryReplays({ clock })
    const verdicts = [now, now, now + 1].map((time) => verdictOn(scheme, sent[scheme](body, time), body, { replays }))
    expect((await Promise.all(verdicts)).map((verdict) => ('reason' in verdict ? verdict.reason : verdict.kind))).toEqual([
      'proved',
      'replayed',
      'proved',
    ])
  })

  test('that ends while its body comes is refused, since its first use may be forgotten', async () => {
    const late = virtualClock({ date: now * 1_000 })
    const arrives = async () => {
      await late.advance(300_000)
      source.push(Buffer.from(body))
      source.end()
    }
    const source = new PushSource({ start: () => void arrives(), pause() {}, resume() {}, cancel() {} })
    const options = { clock: late, replays: { use: () => true } }
    expect(await verdictOn(scheme, sent[scheme](), source, options)).toMatchObject({ status: 401, reason: 'too-old' })
  })

  test('cannot be judged where nobody remembers', async () => {
    const replays = { use: () => Promise.reject(new Error('away')) }
    expect(await verdictOn(scheme, sent[scheme](), body, { replays })).toMatchObject({ kind: 'unavailable' })
  })
})

describe('is malformed:', () => {
  test.each<[string, Name, Record<string, string>]>([
    ['a hash of another kind', 'github', { 'x-hub-signature-256': `sha1=${'0'.repeat(40)}` }],
    ['a short hash', 'github', { 'x-hub-signature-256': 'sha256=00' }],
    ['a hash in capitals', 'github', { 'x-hub-signature-256': `sha256=${mac(body).toUpperCase()}` }],
    ['no base64', 'shopify', { 'x-shopify-hmac-sha256': mac(body) }],
    ['a hash without its padding', 'shopify', { 'x-shopify-hmac-sha256': mac(body, 'base64').replace('=', '') }],
    ['no time', 'slack', { 'x-slack-signature': `v0=${mac(body)}` }],
    ['a time that is none', 'slack', { ...sent.slack(), 'x-slack-request-timestamp': '1e9' }],
    ['two times', 'stripe', { 'stripe-signature': `t=1,t=2,v1=${mac(body)}` }],
    ['no time', 'stripe', { 'stripe-signature': `v1=${mac(body)}` }],
    ['no signature', 'stripe', { 'stripe-signature': `t=${now},v0=${mac(body)}` }],
    ['no id', 'standard', { 'webhook-timestamp': String(now), 'webhook-signature': sent.standard()['webhook-signature'] }],
    ['an id with a dot', 'standard', { ...sent.standard(), 'webhook-id': 'msg_1.1' }],
    ['another version', 'standard', { ...sent.standard(), 'webhook-signature': 'v1a,AAAA' }],
  ])('%s (%s)', (_, scheme, headers) => {
    expect(verdictOn(scheme, headers)).toEqual({ kind: 'refused', status: 400, reason: 'malformed' })
  })
})

test('only so many bodies are held at a time; who has failed or left makes room', async () => {
  const verifier = webhook({ scheme: 'github', secrets: secret, maxPending: 2 })
  const waiting = () => new PushSource({ pause() {}, resume() {}, cancel() {} })
  const ask = (source: Source) => verifier.verify(contextOf(sent.github(), { body: source }))
  const [first, second, third] = [waiting(), waiting(), waiting()]
  const answers = [first, second, third].map(ask)
  expect(answers[2]).toEqual({ kind: 'unavailable', reason: 'too-many-pending' })
  first.fail(new Error('left'))
  second.push(Buffer.from(body))
  second.end()
  expect(await Promise.all(answers.slice(0, 2))).toMatchObject([{ reason: 'unreadable-body' }, { kind: 'proved' }])
  expect(await ask(pushed(body))).toMatchObject({ kind: 'proved' })
})

test('one signature of several is enough', () => {
  const old = mac(`${now}.${body}`, 'hex', 'the secret of last month')
  const fresh = mac(`${now}.${body}`)
  expect(verdictOn('stripe', { 'stripe-signature': `t=${now},v1=${old},v1=${fresh}` })).toMatchObject({ kind: 'proved' })
  const { 'webhook-signature': v1, ...rest } = sent.standard()
  expect(
    verdictOn('standard', { ...rest, 'webhook-signature': `v1a,x v1,${Buffer.alloc(32).toString('base64')} ${v1}` }),
  ).toMatchObject({ kind: 'proved' })
})

test('a scheme of one’s own is taken', async () => {
  const scheme: WebhookScheme = {
    name: 'bakery',
    header: 'x-bread',
    read: (headers) => ({ signatures: [Buffer.from(headers.get('x-bread') ?? '', 'hex')], prefix: 'bread:' }),
  }
  const verifier = webhook({ scheme, secrets: secret })
  expect(await verifier.verify(contextOf({ 'x-bread': mac(`bread:${body}`) }, { body }))).toMatchObject({
    principal: { subject: 'bakery' },
  })
  expect(await verifier.verify(contextOf({ 'x-bread': '' }, { body }))).toMatchObject({ reason: 'bad-signature' })
  const dateless = webhook({ scheme, secrets: secret, replays: memoryReplays() })
  expect(await dateless.verify(contextOf({ 'x-bread': mac(`bread:${body}`) }, { body }))).toMatchObject({ reason: 'no-date' })
})

test.each(['github', 'shopify'] as const)('%s does not say when: what was used cannot be remembered', (scheme) => {
  expect(() => webhook({ scheme, secrets: secret, replays: memoryReplays() })).toThrow(/replays must be left out/)
})

test('a secret of Standard Webhooks is base64, and is not shown', () => {
  expect(() => webhook({ scheme: 'standard', secrets: 'whsec_this is no base64' })).toThrow(
    'secrets must be a secret of standard (got "another text")',
  )
})

test.each(['too short', ['too short']])('a secret that is too short is not shown (%j)', (secrets) => {
  expect(() => webhook({ scheme: 'github', secrets })).toThrow(
    /secrets.* must be a secret of at least 16 characters \(got "string"\)/,
  )
})
