import { X509Certificate } from 'node:crypto'
import { request } from 'node:https'
import { text as textOf } from 'node:stream/consumers'
import {
  type LambdaEventAlb,
  type LambdaEventV1,
  type LambdaEventV2,
  type LambdaPayload,
  lambda,
  lambdaLocal,
} from '@gatelet/functions'
import { serve } from '@gatelet/node'
import type { APIGatewayEventClientCertificate } from 'aws-lambda'
import { expect, expectTypeOf, test } from 'vitest'
import { authority, certificate } from '../../../../test/certificates/certificates.ts'

/** The event for a request over TLS, with the certificate of a client or none. */
async function eventOf<T>(payload: LambdaPayload, client?: { cert: string; key: string }, headers = {}): Promise<T> {
  const echo = lambda(
    lambdaLocal(async (event) => ({ statusCode: 200, body: JSON.stringify(event) })),
    { payload },
  )
  const { cert, key } = certificate('a')
  const tls = { cert, key, clientCertificates: { ca: authority, required: false } }
  await using server = await serve(echo, { port: 0, host: '127.0.0.1', tls })
  const options = {
    port: server.port,
    host: '127.0.0.1',
    ca: authority,
    rejectUnauthorized: false,
    headers,
    cert: client?.cert,
    key: client?.key,
  }
  const body = await new Promise<string>((resolve, reject) => {
    request(options, (response) => textOf(response).then(resolve, reject))
      .on('error', reject)
      .end()
  })
  return JSON.parse(body) as T
}

const client = certificate('client')
const { serialNumber, validFrom, validTo, issuer } = new X509Certificate(client.cert)
const pem = new X509Certificate(client.cert).toString()

const told = {
  clientCertPem: pem,
  subjectDN: 'CN=client',
  issuerDN: issuer.replaceAll('\n', ','),
  serialNumber: (serialNumber.toLowerCase().match(/../g) ?? []).join(':'),
  validity: { notBefore: validFrom, notAfter: validTo },
}

test('the certificate of a client is told as API Gateway tells of it', async () => {
  expectTypeOf<
    NonNullable<LambdaEventV2['requestContext']['authentication']>['clientCert']
  >().toExtend<APIGatewayEventClientCertificate>()
  const v2 = await eventOf<LambdaEventV2>('2.0', client)
  expect(v2.requestContext.authentication).toEqual({ clientCert: told })
  const v1 = await eventOf<LambdaEventV1>('1.0', client)
  expect(v1.requestContext.identity.clientCert).toEqual(told)
})

test('where a client shows none, none is told', async () => {
  expect((await eventOf<LambdaEventV2>('2.0')).requestContext).not.toHaveProperty('authentication')
  expect((await eventOf<LambdaEventV1>('1.0')).requestContext.identity.clientCert).toBeNull()
  expect(Object.keys((await eventOf<LambdaEventAlb>('alb')).headers ?? {}).join()).not.toContain('mtls')
})

test('a load balancer tells of it in fields', async () => {
  const { headers = {} } = await eventOf<LambdaEventAlb>('alb', client)
  expect(headers).toMatchObject({
    'x-amzn-mtls-clientcert-serial-number': serialNumber,
    'x-amzn-mtls-clientcert-issuer': issuer.split('\n').reverse().join(','),
    'x-amzn-mtls-clientcert-subject': 'CN=client',
    'x-amzn-mtls-clientcert-validity': expect.stringMatching(/^NotBefore=\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ;NotAfter=\d{4}-.*Z$/),
  })
  const leaf = headers['x-amzn-mtls-clientcert-leaf'] ?? ''
  expect(decodeURIComponent(leaf)).toBe(pem)
  expect(leaf).toMatch(/^-----BEGIN%20CERTIFICATE-----%0A[A-Za-z0-9+/=%-]+$/)
  const { multiValueHeaders } = await eventOf<LambdaEventAlb>('alb-multi-value', client)
  expect(multiValueHeaders?.['x-amzn-mtls-clientcert-subject']).toEqual(['CN=client'])
})

test.each(['2.0', '1.0', 'alb', 'alb-multi-value'] as const)(
  'no client tells of one by itself, in format %s',
  async (payload) => {
    const headers = {
      'X-Amzn-Mtls-Clientcert-Subject': 'CN=admin',
      x_amzn_mtls_clientcert_subject: 'CN=admin',
      'x-amzn-mtls-clientcert': 'admin',
    }
    expect(JSON.stringify(await eventOf(payload, undefined, headers))).not.toContain('admin')
  },
)
