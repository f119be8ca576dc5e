import { GatewayError, type Handler, json, text } from '@gatelet/core'
import { createRouter, stripPrefix, type VersionSource, type VersionState, versions } from '@gatelet/router'
import { call } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'

const shown: Handler<VersionState> = (ctx) => text(ctx.state.version)
const two = { '1': shown, '2': shown } as const

interface Problem {
  code: string
  detail: string
  versions: string[]
}

describe('by path', () => {
  const users = createRouter()
    .get('/', (ctx) => text(`root ${ctx.state.route}`))
    .get('/users/:id', (ctx) => json([ctx.state.params.id, ctx.state.route]))
  const api = versions({ by: 'path', default: '2', latest: '2', versions: { '1': users, '2': shown, '2024-10': shown } })

  test('the version is the first segment, and routers see what follows', async () => {
    expect(await (await call(api, '/v1/users/7')).json()).toEqual(['7', '/v1/users/:id'])
    expect(await (await call(api, '/v1')).text()).toBe('root /v1/')
    expect(await (await call(api, '/v2/users/7')).text()).toBe('2')
    expect(await (await call(api, '/v2024-10/users/7')).text()).toBe('2024-10')
    expect(await (await call(api, '/latest/x')).text()).toBe('2')
  })

  test.each(['/', '/users/7', '/vehicles', '/v', '/1/users', '/V1', '/vlatest'])(
    '%s names none: the default answers',
    async (path) => {
      const seen = versions({ by: 'path', default: '1', latest: '1', versions: { '1': (ctx) => text(ctx.request.url.path) } })
      expect(await (await call(seen, path)).text()).toBe(path)
    },
  )

  test('what names none is routed from the beginning', async () => {
    const all = versions({ by: 'path', default: '1', versions: { '1': users } })
    expect(await (await call(all, '/users/7')).json()).toEqual(['7', '/users/:id'])
    expect((await call(all, '/v/users/7')).status).toBe(404)
  })

  test('a version that is not there is a 404 that lists the others', async () => {
    const answer = await call(api, '/v9/users/7')
    expect(answer.status).toBe(404)
    expect(await answer.json<Problem>()).toMatchObject({ code: 'NOT_FOUND', versions: ['1', '2', '2024-10', 'latest'] })
    expect(answer.headers.has('vary')).toBe(false)
  })

  test('without a default, none is a 404 too', async () => {
    const answer = await call(versions({ by: 'path', versions: two }), '/users')
    const { detail } = await answer.json<Problem>()
    expect([answer.status, detail]).toEqual([404, 'The path must begin with a version, such as /v1. There are 1, 2'])
  })

  test('stands behind a mount, and stripPrefix takes both away', async () => {
    const path = createRouter().mount('/', stripPrefix(), (ctx) => text(`${ctx.request.url.path} ${ctx.state.route}`))
    const router = createRouter().mount('/api', versions({ by: 'path', versions: { '1': path } }))
    expect(await (await call(router, '/api/v1/users')).text()).toBe('/users /api/v1/*')
  })
})

describe('by header field', () => {
  const api = versions({ by: { header: 'Api-Version' }, default: '1', latest: '2', versions: two })
  const ask = (value?: string) => call(api, { headers: value === undefined ? {} : { 'api-version': value } })

  test.each([
    [undefined, '1'],
    ['', '1'],
    ['1', '1'],
    ['2', '2'],
    ['latest', '2'],
  ])('%s is answered by %s, and caches are told', async (value, version) => {
    const answer = await ask(value)
    expect([await answer.text(), answer.headers.get('vary')]).toEqual([version, 'api-version'])
  })

  test.each(['3', 'v1', '1, 2', '__proto__', 'constructor'])('%s is a 400 that lists the others', async (value) => {
    const answer = await ask(value)
    expect([answer.status, answer.headers.get('vary')]).toEqual([400, 'api-version'])
    expect(await answer.json<Problem>()).toMatchObject({ code: 'UNKNOWN_VERSION', versions: ['1', '2', 'latest'] })
  })

  test('several lines name no version', async () => {
    const headers: [string, string][] = [
      ['api-version', '1'],
      ['api-version', '2'],
    ]
    expect((await call(api, { headers })).status).toBe(400)
  })

  test('none is a 400 where there is no default', async () => {
    const answer = await call(versions({ by: { header: 'accept-version' }, versions: two }), '/')
    expect(answer.status).toBe(400)
    expect((await answer.json<Problem>()).detail).toBe('The header field accept-version must name a version. There are 1, 2')
  })
})

describe('by media type', () => {
  const ask = async (by: VersionSource, accept: string | undefined) => {
    const answer = await call(versions({ by, default: '1', versions: two }), { headers: accept === undefined ? {} : { accept } })
    expect(answer.headers.get('vary')).toBe('accept')
    return answer.status === 200 ? answer.text() : answer.status
  }

  test.each([
    [undefined, '1'],
    ['*/*', '1'],
    ['application/json', '1'],
    ['application/vnd.shop+json', '1'],
    ['application/vnd.shop.v2+json', '2'],
    ['application/vnd.shop.v2', '2'],
    ['Application/VND.Shop.V2+JSON; charset=utf-8', '2'],
    ['application/vnd.shop.v1+json;q=0.5, application/vnd.shop.v2+json', '2'],
    ['application/vnd.shop.v2+json;q=0.5, application/vnd.shop.v1+json', '1'],
    ['application/vnd.shop.v9+json, application/vnd.shop.v2+json;q=0.1', '2'],
    ['application/vnd.shop.v9+json, */*;q=0.1', '1'],
    ['application/vnd.shop.v2+json;q=0, */*', '1'],
    ['application/vnd.shop.v9+json', 406],
    ['application/vnd.shop.v2.1+json', 406],
    ['application/vnd.shop.v+json', 406],
    ['application/vndxshop.v2+json', '1'],
  ])('a vendor type in %s is answered by %s', async (accept, version) => {
    expect(await ask({ vendor: 'application/vnd.shop' }, accept)).toBe(version)
  })

  test.each([
    ['application/json', '1'],
    ['application/json;version=2', '2'],
    ['application/json; VERSION = "2"', '2'],
    ['text/html, application/json;version=2;q=0.9', '1'],
    ['application/json;version=3', 406],
    ['application/json;version=', 406],
    [',;;=,', '1'],
  ])('a parameter in %s is answered by %s', async (accept, version) => {
    expect(await ask({ parameter: 'version' }, accept)).toBe(version)
  })

  test('without a default, types that name no version do not count', async () => {
    const api = versions({ by: { vendor: 'application/vnd.shop' }, versions: two })
    const accept = 'text/html, application/vnd.shop.v2+json;q=0.9'
    expect(await (await call(api, { headers: { accept } })).text()).toBe('2')
  })

  test('none is a 406 where there is no default', async () => {
    const answer = await call(versions({ by: { vendor: 'application/vnd.shop' }, versions: two }), { headers: { accept: '*/*' } })
    expect(answer.status).toBe(406)
    expect(await answer.json<Problem>()).toMatchObject({ code: 'NOT_ACCEPTABLE', versions: ['1', '2'] })
  })
})

describe('a version that will end', () => {
  const ending = { deprecated: '2026-01-01', sunset: new Date('2027-06-30T23:59:59.900Z'), link: 'https://example.com/v1' }

  test('says so on every reply, errors among them', async () => {
    const handler: Handler = (ctx) => {
      if (ctx.request.url.search) throw new GatewayError('NO_ENDPOINT')
      return text('x', { headers: { link: '</x>; rel="next"', vary: 'Accept' } })
    }
    const api = versions({ by: { header: 'v' }, default: '1', versions: { '1': { handler, ...ending }, '2': shown } })
    for (const path of ['/', '/?fail']) {
      const { headers, status } = await call(api, path)
      expect(status).toBe(path === '/' ? 200 : 503)
      expect(headers.get('deprecation')).toBe('@1767225600')
      expect(headers.get('sunset')).toBe('Wed, 30 Jun 2027 23:59:59 GMT')
      expect(headers.getAll('link').at(-1)).toBe('<https://example.com/v1>; rel="deprecation sunset"')
      expect(headers.get('vary')?.toLowerCase()).toMatch(/\bv$/)
    }
    const { headers } = await call(api, { headers: { v: '2' } })
    expect([headers.has('deprecation'), headers.has('sunset'), headers.has('link')]).toEqual([false, false, false])
  })

  test('leaves what the server behind says of its own end', async () => {
    const handler: Handler = () => text('x', { headers: { sunset: 'Thu, 31 Dec 2026 00:00:00 GMT' } })
    const api = versions({ by: 'path', versions: { '1': { handler, sunset: '2027-01-01' } } })
    expect((await call(api, '/v1')).headers.getAll('sunset')).toEqual(['Thu, 31 Dec 2026 00:00:00 GMT'])
  })
})

describe('options', () => {
  test.each<[given: object, field: string, right: string]>([
    [{ versions: {} }, 'versions', 'at least one version'],
    [{ versions: { latest: shown } }, 'versions.latest', 'not latest'],
    [{ versions: { V1: shown } }, 'versions.V1', 'lower-case letters'],
    [{ versions: { 'a/b': shown } }, 'versions.a/b', 'lower-case letters'],
    [{ versions: { '1': { handler: shown, sunset: 'soon' } } }, 'versions.1.sunset', 'a date, or a text such as 2027-01-31'],
    [{ versions: { '1': { handler: shown, link: 'a>b' } } }, 'versions.1.link', 'a URL'],
    [{ versions: { '1': { handler: shown, deprecated: '2027-01-01', sunset: '2026-01-01' } } }, 'versions.1.sunset', 'after'],
    [{ versions: two, default: '3' }, 'default', 'one of the versions 1, 2'],
    [{ versions: two, latest: 'x' }, 'latest', 'one of the versions 1, 2'],
    [{ versions: two, by: 'query' }, 'by', "'path', or an object"],
    [{ versions: two, by: { header: 'a b' } }, 'by.header', 'a name of letters'],
    [{ versions: two, by: { vendor: 'application/vnd.shop+json' } }, 'by.vendor', 'without version and suffix'],
    [{ versions: two, by: { parameter: '' } }, 'by.parameter', 'a name of letters'],
  ])('%j are refused', (given, field, right) => {
    try {
      versions({ by: 'path', ...given } as never)
    } catch (error) {
      expect(error).toMatchObject({ code: 'BAD_OPTION', path: field, message: expect.stringContaining(right) })
      return
    }
    throw new Error('nothing was refused')
  })
})
