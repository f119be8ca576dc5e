import { createHash, createHmac, generateKeyPairSync, randomBytes, sign } from 'node:crypto'
import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request } from 'node:http'
import { auth, httpSignature, type Verifier, webhook } from '@gatelet/auth'
import { createBalancer } from '@gatelet/balancer'
import { chain } from '@gatelet/core'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { origins } from '@gatelet/testing'
import { expect, onTestFinished, test } from 'vitest'

const { publicKey, privateKey } = generateKeyPairSync('ed25519')
const keys = { partner: { algorithm: 'ed25519', key: publicKey } } as const

async function scene(verifier: Verifier) {
  const farm = await origins(1)
  const balancer = createBalancer({ endpoints: farm.urls })
  const forwarder = proxy(balancer)
  const server = await serve(chain().use(auth(verifier)).to(forwarder), { port: 0, host: '127.0.0.1' })
  onTestFinished(async () => {
    await server.close({ graceMs: 0 })
    await forwarder.close()
    await balancer.close()
    await farm.close()
  })
  const [origin] = farm.servers
  if (!origin) throw new Error('there is none')
  return { server, balancer, origin }
}

function signedFields(url: string, body: Buffer): Record<string, string> {
  const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`
  const params = `("@method" "@target-uri" "content-digest");created=${Math.floor(Date.now() / 1_000)};keyid="partner"`
  const lines = [`"@method": POST`, `"@target-uri": ${url}`, `"content-digest": ${digest}`, `"@signature-params": ${params}`]
  const signature = sign(undefined, Buffer.from(lines.join('\n')), privateKey).toString('base64')
  return { 'content-digest': digest, 'signature-input': `sig1=${params}`, signature: `sig1=:${signature}:` }
}

async function answerTo(asked: ClientRequest): Promise<{ status: number | undefined; text: string }> {
  const [response] = (await once(asked, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += chunk
  return { status: response.statusCode, text }
}

test.each([
  ['small', 1_000, true],
  ['large', 300_000, true],
  ['large, of unknown length', 300_000, false],
])('a signed body that is %s comes to the upstream byte for byte', async (_, size, isAnnounced) => {
  const { server, origin } = await scene(httpSignature({ keys }))
  const url = `${server.url}/orders/~1?b=%2f`
  const body = randomBytes(size)
  const headers = { ...signedFields(url, body), ...(isAnnounced ? { 'content-length': size } : {}) }
  const asked = request(url, { method: 'POST', headers })
  asked.write(body.subarray(0, 500))
  asked.end(body.subarray(500))
  expect((await answerTo(asked)).status).toBe(200)
  expect(origin.requests[0]?.body.equals(body)).toBe(true)
})

test.each([
  ['announced', true],
  ['of unknown length', false],
])('of a large body that is another one, %s, the upstream never gets the whole', async (_, isAnnounced) => {
  const { server, balancer, origin } = await scene(httpSignature({ keys }))
  const body = randomBytes(300_000)
  const other = Buffer.from(body)
  other[299_999] = (other[299_999] ?? 0) ^ 1
  const headers = { ...signedFields(`${server.url}/`, body), ...(isAnnounced ? { 'content-length': body.length } : {}) }
  const asked = request(`${server.url}/`, { method: 'POST', headers })
  asked.end(other)
  const { status, text } = await answerTo(asked)
  expect([status, JSON.parse(text)]).toMatchObject([400, { code: 'BAD_CREDENTIALS' }])
  await expect.poll(() => origin.requests[0]?.aborted).toBe(true)
  expect(origin.requests[0]).toMatchObject({ complete: false })
  expect(origin.requests[0]?.bodyBytes).toBeLessThan(300_000)
  await expect.poll(() => balancer.endpoints[0]?.inflight).toBe(0)
})

test('a small body that is another one does not come to the upstream at all', async () => {
  const { server, origin } = await scene(httpSignature({ keys }))
  const headers = { ...signedFields(`${server.url}/`, Buffer.from('right')), 'content-length': 5 }
  const asked = request(`${server.url}/`, { method: 'POST', headers })
  asked.end('wrong')
  expect((await answerTo(asked)).status).toBe(400)
  expect(origin.hits).toBe(0)
})

test('a webhook comes to the upstream byte for byte, and one that is too long is not read', async () => {
  const secret = 'a secret of the service'
  const { server, origin } = await scene(webhook({ scheme: 'github', secrets: secret, maxBytes: 10_000 }))
  const send = async (body: Buffer, signed = body) => {
    const hash = createHmac('sha256', secret).update(signed).digest('hex')
    const asked = request(`${server.url}/`, { method: 'POST', headers: { 'x-hub-signature-256': `sha256=${hash}` } })
    asked.end(body)
    return (await answerTo(asked)).status
  }
  const body = randomBytes(10_000)
  expect(await send(body)).toBe(200)
  expect(origin.requests[0]?.body.equals(body)).toBe(true)
  expect(await send(body, randomBytes(10_000))).toBe(401)
  expect(await send(randomBytes(10_001))).toBe(413)
  expect(origin.hits).toBe(1)
})
