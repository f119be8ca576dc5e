import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { chain, text } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { type CorsOptions, cors } from '@gatelet/router'
import { rawRequest } from '@gatelet/testing'
import reference, { type CorsOptions as ReferenceOptions } from 'cors'
import { describe, expect, onTestFinished, test } from 'vitest'

// What the package `cors` documents for requests of allowed origins, beside ours. For other origins they differ on purpose: there
// it still tells of credentials, methods and fields, and where a function refuses it leaves `Vary` out.
const app = 'https://app.example.com'

const settings: [string, CorsOptions, ReferenceOptions][] = [
  ['any origin', { allowOrigins: '*', allowMethods: ['PUT'] }, { origin: '*', methods: ['PUT'], allowedHeaders: [] }],
  [
    'one of several, with everything',
    {
      allowOrigins: [app, 'https://b.example.com'],
      allowMethods: ['PUT', 'PATCH'],
      allowHeaders: ['x-a', 'content-type'],
      exposeHeaders: ['x-b', 'x-c'],
      allowCredentials: true,
      maxAgeS: 600,
    },
    {
      origin: [app, 'https://b.example.com'],
      methods: ['PUT', 'PATCH'],
      allowedHeaders: ['x-a', 'content-type'],
      exposedHeaders: ['x-b', 'x-c'],
      credentials: true,
      maxAge: 600,
    },
  ],
  [
    'a function',
    { allowOrigins: (origin) => origin === app, allowMethods: ['PUT'] },
    { origin: (origin, done) => done(null, origin === app), methods: ['PUT'], allowedHeaders: [] },
  ],
  [
    'any header field, as asked for',
    { allowOrigins: [app], allowMethods: ['PUT'], allowHeaders: ['*'] },
    { origin: [app], methods: ['PUT'] },
  ],
]

const requests: [string, string][] = [
  ['GET', `origin: ${app}\r\n`],
  ['POST', `origin: ${app}\r\n`],
  ['OPTIONS', `origin: ${app}\r\naccess-control-request-method: PUT\r\naccess-control-request-headers: x-a,content-type\r\n`],
]

describe.each(settings)('with %s, says what the package cors says', (_, ours, theirs) => {
  test.each(requests)('to %s with %j', async (method, fields) => {
    await using server = await serve(
      chain()
        .use(cors(ours))
        .to(() => text('ok')),
      { port: 0 },
    )
    const port = await listening((req, res) => reference(theirs)(req, res, () => res.end('ok')))
    const head = `${method} / HTTP/1.1\r\nhost: a.test\r\n${fields}connection: close\r\n\r\n`
    expect(await said(server.port, head)).toEqual(await said(port, head))
  })
})

async function listening(listener: RequestListener): Promise<number> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  return (server.address() as AddressInfo).port
}

async function said(port: number, head: string): Promise<object> {
  const [response] = (await rawRequest(port, head)).responses
  const fields = [...(response?.headers ?? [])].map(([name, value]) => [name.toLowerCase(), value.replaceAll(', ', ',')])
  return {
    status: response?.status,
    ...Object.fromEntries(fields.filter(([name = '']) => name.startsWith('access-control-'))),
    variesByOrigin: fields.some(([name, value = '']) => name === 'vary' && /origin/i.test(value)),
  }
}
