import { type AffinityOptions, createBalancer, type ManagedBalancer } from '@gatelet/balancer'
import { isLease } from '@gatelet/core'
import { exchange, virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { failTimes, named } from '../fakes.ts'

const secret = 'a secret of the test'
const abc = [named('a'), named('b'), named('c')]

/** One whole request with these cookies. What it got, and what its reply tells the client. */
function ask(balancer: ManagedBalancer, headers: Record<string, string> = {}, url = '/', tried: string[] = []) {
  const { ctx } = exchange({ url, headers })
  const lease = balancer.tryAcquire({ tried: balancer.endpoints.filter(({ id }) => tried.includes(id)), context: ctx })
  if (!isLease(lease)) return { id: lease.reason, set: undefined, cookie: undefined, headers: [] }
  lease.release()
  const set = lease.replyHeaders?.find(([name]) => name === 'set-cookie')?.[1]
  return { id: lease.endpoint.id, set, cookie: set?.split(';')[0], headers: lease.replyHeaders ?? [] }
}

function balancerWith(more: Partial<AffinityOptions> = {}, endpoints = abc) {
  const clock = virtualClock()
  const balancer = createBalancer({ endpoints, clock, affinity: { cookie: 'session', secret, ...more } })
  const begin = () => {
    const first = ask(balancer)
    return { id: first.id, headers: { cookie: `lang=de; ${first.cookie}; x=1` } }
  }
  return { clock, balancer, begin }
}

describe.each(['opaque', 'signed'] as const)('a session by %s cookie', (mode) => {
  test('stays at its endpoint, and the cookie is set once', () => {
    const { balancer, begin } = balancerWith({ mode })
    const { id, headers } = begin()
    for (let request = 0; request < 30; request++) expect(ask(balancer, headers)).toMatchObject({ id, set: undefined })
  })

  test('is understood by another gateway with the same secret, and by none with another one', () => {
    const { begin } = balancerWith({ mode })
    const other = balancerWith({ mode }, abc.toReversed()).balancer
    const stranger = balancerWith({ mode, secret: 'quite another secret' }).balancer
    const { id, headers } = begin()
    expect(ask(other, headers)).toMatchObject({ id, set: undefined })
    expect(ask(stranger, headers).set).toBeDefined()
  })

  test('goes on when secrets are rotated, with a new cookie', () => {
    const { id, headers } = balancerWith({ mode }).begin()
    const { balancer } = balancerWith({ mode, secret: ['the secret of tomorrow', secret] })
    const renewed = ask(balancer, headers)
    expect(renewed).toMatchObject({ id, set: expect.any(String) })
    const after = balancerWith({ mode, secret: 'the secret of tomorrow' }).balancer
    expect(ask(after, { cookie: renewed.cookie ?? '' })).toMatchObject({ id, set: undefined })
  })

  test('tells nothing of addresses', () => {
    const { balancer } = balancerWith({ mode }, [{ url: 'http://10.1.2.3:8080', id: 'http://10.1.2.3:8080', weight: 1 }])
    const value = ask(balancer).cookie?.slice('session='.length) ?? ''
    expect(value).toMatch(mode === 'opaque' ? /^[\w-]{22}$/ : /^[\w-]{22}\.[0-9a-z]+\.[\w-]{22}$/)
    for (const part of value.split('.')) expect(Buffer.from(part, 'base64url').toString('latin1')).not.toContain('10.1')
  })

  test('moves when its endpoint fails the request, is ejected, or is removed', async () => {
    const { balancer, begin } = balancerWith({ mode })
    const { id, headers } = begin()
    const retried = ask(balancer, headers, '/', [id])
    expect(retried.id).not.toBe(id)
    expect(ask(balancer, { cookie: retried.cookie ?? '' }).id).toBe(retried.id)
    failTimes(balancer, 5, id)
    expect(ask(balancer, headers)).toMatchObject({ id: expect.not.stringMatching(id), set: expect.any(String) })
    await balancer.remove(id)
    expect(ask(balancer, headers)).toMatchObject({ id: expect.stringMatching(/^[abc]$/), set: expect.any(String) })
  })

  test('is refused while its endpoint is down, where it must not move, and goes on when that is back', async () => {
    const { clock, balancer, begin } = balancerWith({ mode, whileDown: 'refuse' })
    const { id, headers } = begin()
    expect(ask(balancer, headers, '/', [id]).id).toBe('none-healthy')
    failTimes(balancer, 5, id)
    expect(ask(balancer, headers).id).toBe('none-healthy')
    expect(ask(balancer).id).toMatch(/^[abc]$/)
    await clock.advance(30_000)
    expect(ask(balancer, headers)).toMatchObject({ id, set: undefined })
    balancer.setHealth(id, false)
    expect(ask(balancer, headers).id).toBe('none-healthy')
    balancer.setHealth(id, true)
    expect(ask(balancer, headers)).toMatchObject({ id, set: undefined })
  })

  test.each(['redistribute', 'refuse'] as const)('moves from an endpoint that will not come back (%s)', async (whileDown) => {
    const { clock, balancer, begin } = balancerWith({ mode, whileDown })
    const [removed, drained] = [begin(), begin()]
    await balancer.remove(removed.id)
    const moved = ask(balancer, removed.headers)
    expect(moved).toMatchObject({ id: expect.stringMatching(/^[abc]$/), set: expect.any(String) })
    expect(ask(balancer, { cookie: moved.cookie ?? '' })).toMatchObject({ id: moved.id, set: undefined })
    const leaving = drained.id === removed.id ? moved : { id: drained.id, cookie: drained.headers.cookie }
    const over = balancer.drain(leaving.id, { deadlineMs: 1_000 })
    await clock.advance(1_000)
    await over
    expect(ask(balancer, { cookie: leaving.cookie ?? '' })).toMatchObject({
      id: expect.not.stringMatching(leaving.id),
      set: expect.any(String),
    })
  })

  test('is served on by an endpoint that drains, until the deadline', async () => {
    const { clock, balancer, begin } = balancerWith({ mode })
    const { id, headers } = begin()
    const drained = balancer.drain(id, { deadlineMs: 60_000 })
    for (let request = 0; request < 20; request++) expect(ask(balancer).id).not.toBe(id)
    await clock.advance(59_999)
    expect(ask(balancer, headers)).toMatchObject({ id, set: undefined })
    await clock.advance(1)
    expect(await drained).toBe(true)
    expect(ask(balancer, headers).id).not.toBe(id)
    balancer.setWeight(id, 1)
    expect(ask(balancer, headers).id).toBe(id)
    balancer.setWeight(id, 0)
    expect(ask(balancer, headers).id).toBe(id)
  })

  test('is served on by an endpoint that a list drains, though it was drained and back before', async () => {
    const { clock, balancer, begin } = balancerWith({ mode })
    const { id, headers } = begin()
    const listed = (weight: number) => balancer.replace(abc.map((each) => (each.id === id ? { ...each, weight } : each)))
    const drained = balancer.drain(id, { deadlineMs: 1_000 })
    await clock.advance(1_000)
    await drained
    await listed(2)
    await listed(0)
    expect(ask(balancer, headers)).toMatchObject({ id, set: undefined })
  })
})

describe('a signed session', () => {
  test('ends with its age, whatever the client does', async () => {
    const { clock, balancer, begin } = balancerWith({ mode: 'signed', maxAgeS: 3_600 })
    const { id, headers } = begin()
    await clock.advance(3_599_000)
    expect(ask(balancer, headers)).toMatchObject({ id, set: undefined })
    await clock.advance(1_000)
    expect(ask(balancer, headers).set).toMatch(/; Max-Age=3600$/)
  })

  test('does not begin by a token that was changed', () => {
    const { balancer, begin } = balancerWith({ mode: 'signed', whileDown: 'refuse' })
    const value = begin().headers.cookie.match(/session=([^;]*)/)?.[1] ?? ''
    const [name = '', since = '', signature = ''] = value.split('.')
    const changed = [
      `${name}.${since}`,
      `${name}.zzzzzz.${signature}`,
      `${'A'.repeat(22)}.${since}.${signature}`,
      `${value}.x`,
      '',
      'x'.repeat(9_000),
    ]
    for (const token of changed) expect(ask(balancer, { cookie: `session=${token}` }).set).toBeDefined()
  })
})

describe('the cookie', () => {
  test.each<[what: string, more: Partial<AffinityOptions>, url: string, attributes: string]>([
    ['by default', {}, 'http://a.test/', '; Path=/; HttpOnly; SameSite=Lax'],
    ['of an https request', {}, 'https://a.test/', '; Path=/; HttpOnly; Secure; SameSite=Lax'],
    [
      'with everything set',
      { maxAgeS: 60, sameSite: 'none', secure: true, httpOnly: false, path: '/app' },
      'http://a.test/',
      '; Path=/app; Secure; SameSite=None; Max-Age=60',
    ],
  ])('%s', (_what, more, url, attributes) => {
    const { set = '', headers } = ask(balancerWith(more).balancer, {}, url)
    expect(set.slice(set.indexOf(';'))).toBe(attributes)
    expect(headers).toContainEqual(['cache-control', 'private'])
  })

  test('is found among others, and one of several of the same name may be strange', () => {
    const { balancer, begin } = balancerWith({ mode: 'signed' })
    const { id, headers } = begin()
    const cookie = `xsession=1; session=; session="?"; nosession; =; ${headers.cookie}`
    expect(ask(balancer, { cookie })).toMatchObject({ id, set: undefined })
  })
})

test('of very many cookies of the same name only the first are looked at', () => {
  const { balancer, begin } = balancerWith({ mode: 'signed' })
  const { id, headers } = begin()
  const madeUp = headers.cookie.replace(/session=[^;]*/, `session=${'A'.repeat(22)}.1.${'A'.repeat(22)}`)
  const cookie = (times: number) => [...new Array<string>(times).fill(madeUp), headers.cookie].join('; ')
  expect(ask(balancer, { cookie: cookie(4) })).toMatchObject({ id, set: undefined })
  expect(ask(balancer, { cookie: cookie(300) }).set).toBeDefined()
})

test('a session by a header', () => {
  const balancer = createBalancer({ endpoints: abc, affinity: { header: 'x-session', secret } })
  const { id, headers } = ask(balancer)
  const [, token = ''] = headers.find(([name]) => name === 'x-session') ?? []
  for (let request = 0; request < 30; request++) expect(ask(balancer, { 'X-Session': token })).toMatchObject({ id, headers: [] })
})

test.each(['redistribute', 'refuse'] as const)('a request keeps to its subset, whatever its session says (%s)', (whileDown) => {
  const endpoints = [
    { ...named('a'), metadata: { version: 'v1' } },
    { ...named('b'), metadata: { version: 'v2' } },
  ]
  const balancer = createBalancer({
    endpoints,
    affinity: { cookie: 'session', secret, whileDown },
    subset: ({ request }) => ({ version: request.url.path.slice(1) }),
  })
  const { cookie = '' } = ask(balancer, {}, '/v1')
  expect(ask(balancer, { cookie }, '/v1').id).toBe('a')
  expect(ask(balancer, { cookie }, '/v2').id).toBe('b')
})

test('calls without a request have no session', () => {
  const { balancer } = balancerWith({ whileDown: 'refuse' })
  const lease = balancer.tryAcquire({ tried: [] })
  expect(isLease(lease) && lease.replyHeaders).toBeUndefined()
})

test.each(['hunter2', ['hunter2'], 42])('a secret that is not right is not told: %j', (secret) => {
  const create = () => createBalancer({ endpoints: ['http://a.test'], affinity: { cookie: 'session', secret: secret as string } })
  expect(create).toThrow(/affinity\.secret.* must be a secret of at least 16 characters/)
  expect(create).not.toThrow(/hunter2|42/)
})
