import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { HeaderList } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { call, rawServer } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { childJson } from './support/child.ts'
import { ledger } from './support/ledger.ts'
import type { TlsResults } from './support/tls-program.ts'

const file = (name: string) => new URL(`support/tls/${name}`, import.meta.url)

test('a certificate that nobody vouches for is 502, and another endpoint is asked: nothing was sent', async () => {
  const server = createServer({ key: readFileSync(file('key.pem')), cert: readFileSync(file('cert.pem')) }, (_, res) =>
    res.end('no'),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const balancer = ledger([
    `https://127.0.0.1:${port}`,
    { handler: () => ({ status: 200, headers: new HeaderList(), body: 'elsewhere' }) },
  ])
  const elsewhere = await call(proxy(balancer), { method: 'POST', body: 'x' })
  expect(await elsewhere.text()).toBe('elsewhere')
  expect(balancer.kinds).toEqual(['failure', 'success'])
  for (const request of ['/', { kind: 'upgrade' }] as const) {
    const alone = await call(proxy(`https://127.0.0.1:${port}`), request)
    expect([alone.status, (await alone.json<{ code: string }>()).code]).toEqual([502, 'UPSTREAM_CERTIFICATE'])
  }
  server.close()
})

test('an upstream that does not speak TLS is 502', async () => {
  await using plain = await rawServer(async (connection) => {
    await connection.read(5)
    connection.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n')
    connection.end()
  })
  const reply = await call(proxy(`https://127.0.0.1:${plain.port}`), '/')
  expect(reply.status).toBe(502)
})

describe('an upstream with a certificate that is vouched for', async () => {
  const results = await childJson<TlsResults>('tls-program.ts', { NODE_EXTRA_CA_CERTS: fileURLToPath(file('cert.pem')) })

  test('is asked under its own name, whatever the client calls it in Host', () => {
    expect(results['name']).toMatchObject({ status: 200, body: 'localhost evil.example' })
    expect(results['unix']).toMatchObject({ status: 200, body: 'upstream.example evil.example' })
  })

  test('is asked without a name when it is an address', () => {
    expect(results['address']).toMatchObject({ status: 200, body: 'false evil.example' })
  })

  test('keeps one connection for requests with different Hosts', () => {
    expect(results['many hosts']).toMatchObject({ status: 200, connections: 1 })
  })

  test('is refused when the certificate is for another name, also if the client calls it by that', () => {
    expect(results['wrong name']).toMatchObject({ status: 502, body: expect.stringContaining('UPSTREAM_CERTIFICATE') })
  })
})
