import { Exchange, HeaderList, type IncomingRequest, originalOf, type RequestChange, type RequestUrl } from '@gatelet/core'
import { describe, expect, test, vi } from 'vitest'
import { request } from './requests.ts'
import { thrown } from './thrown.ts'

function changed(original: IncomingRequest, change: RequestChange): IncomingRequest {
  return new Exchange({ inform() {} }).open(original).withRequest(change).request
}

const framed = {
  'Content-Length': '3',
  'transfer-encoding': 'chunked',
  'Content-Encoding': 'gzip',
  Expect: '100-continue',
  'content-type': 'text/plain',
}

describe('withRequest', () => {
  test('changes what is named and keeps the rest', () => {
    const original = request({ headers: { a: '1' }, body: 'abc' })
    const other = changed(original, { method: 'PUT' })
    expect(other.method).toBe('PUT')
    for (const name of ['url', 'target', 'headers', 'body', 'client', 'kind', 'protocol'] as const) {
      expect(other[name]).toBe(original[name])
    }
    expect(original.method).toBe('GET')
  })

  test('makes a new path canonical', () => {
    expect(changed(request(), { url: { path: '/a/../%7Eb' } }).url).toEqual({ ...request().url, path: '/~b' })
  })

  test('may use what the edge refuses from a client', () => {
    expect(changed(request(), { url: { path: '/a//b%2fc%5cd' } }).url.path).toBe('/a//b%2Fc%5Cd')
  })

  test.each(['', 'b', '/a\\b', '/a\r\nb', '/a?b', '/a#b', '/%zz', '/a%2f..'])('refuses %j as a path', (path) => {
    expect(thrown(() => changed(request(), { url: { path } }))).toMatchObject({ code: 'CHANGE_REFUSED', detail: undefined })
  })

  test('takes a new query as it is', () => {
    expect(changed(request(), { url: { search: '?x=%zz' } }).url.search).toBe('?x=%zz')
    expect(changed(request(), { url: { search: '' } }).url.search).toBe('')
  })

  test.each(['x=1', '?a b', '?a\r\nx: y', '?a#b', '?é'])('refuses %j as a query', (search) => {
    expect(thrown(() => changed(request(), { url: { search } }))).toMatchObject({ code: 'CHANGE_REFUSED', detail: undefined })
  })

  test('takes a port away when it is named', () => {
    const original: IncomingRequest = { ...request(), url: { ...request().url, port: 8080 } }
    expect(changed(original, { url: { host: 'b' } }).url).toMatchObject({ host: 'b', port: 8080 })
    expect(changed(original, { url: { port: undefined } }).url.port).toBeUndefined()
  })

  test('reads a url that is an object with getters', () => {
    class LazyUrl implements RequestUrl {
      get scheme() {
        return 'https' as const
      }
      get host() {
        return 'lazy.example'
      }
      get port() {
        return 8443
      }
      get path() {
        return '/lazy'
      }
      get search() {
        return '?lazy'
      }
    }
    const { url } = changed({ ...request(), url: new LazyUrl() }, { url: { path: '/b' } })
    expect(url).toEqual({ scheme: 'https', host: 'lazy.example', port: 8443, path: '/b', search: '?lazy' })
  })

  test('does not ask for a body before somebody does', () => {
    const original = request()
    const asked = vi.fn(() => 'abc')
    Object.defineProperty(original, 'body', { get: asked })
    const other = changed(changed(original, { method: 'PUT' }), { url: { path: '/b' } })
    expect(asked).not.toHaveBeenCalled()
    expect(other.body).toBe('abc')
  })

  test.each([null, '', 'abc'])('with another body (%j) drops the framing of the old one', (body) => {
    const original = request({ headers: framed, body: 'old' })
    const other = changed(original, { body })
    expect(other.body).toBe(body)
    expect(other.headers.raw).toEqual(['content-type', 'text/plain'])
    expect(original.headers.has('content-length')).toBe(true)
  })

  test('keeps the headers that come with another body', () => {
    const headers = new HeaderList({ 'content-encoding': 'br' })
    expect(changed(request({ headers: framed }), { body: 'new', headers }).headers).toBe(headers)
  })
})

describe('originalOf', () => {
  test('is the request of the adapter, however often it was changed', () => {
    const original = request()
    expect(originalOf(original)).toBe(original)
    expect(originalOf(changed(changed(original, { method: 'PUT' }), { body: 'x' }))).toBe(original)
  })
})
