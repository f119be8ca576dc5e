import { X509Certificate } from 'node:crypto'
import { auth, type CertificateVerifierOptions, certificate, jwt, type Verdict } from '@gatelet/auth'
import { chain, HeaderList } from '@gatelet/core'
import { virtualClock } from '@gatelet/testing'
import { describe, expect, test } from 'vitest'
import { certificate as testCertificate } from '../../../../test/certificates/certificates.ts'
import { contextOf, hello, replyOf } from '../fakes.ts'
import { pair, token } from '../issuer.ts'

const client = testCertificate('client').cert
const { validFrom, validTo } = new X509Certificate(client)
const stranger = testCertificate('stranger').cert

/** As RFC 9440 §2.1 writes a certificate, and as nginx does. */
const rfc9440 = (pem: string) => `:${pem.replace(/-----[A-Z ]+-----|\s/g, '')}:`
const escaped = (pem: string) => encodeURIComponent(pem)

const identify: CertificateVerifierOptions['identify'] = ({ subject, subjectAltName }) =>
  subject === 'CN=client' ? { subject: 'device-7', roles: ['device'], claims: { names: subjectAltName } } : undefined

const told = (fields: readonly (readonly [string, string])[], viaTrustedProxy = true) =>
  contextOf({}, { headers: new HeaderList(fields), client: { address: '192.0.2.1', peer: '192.0.2.2', viaTrustedProxy } })

const ask = async (
  fields: readonly (readonly [string, string])[],
  { viaTrustedProxy = true, ...options }: Partial<CertificateVerifierOptions> & { viaTrustedProxy?: boolean } = {},
): Promise<Verdict> => certificate({ header: 'Client-Cert', identify, ...options }).verify(told(fields, viaTrustedProxy))

describe('a certificate that a trusted proxy tells of', () => {
  test.each([
    ['RFC 9440', rfc9440(client), undefined],
    ['nginx', escaped(client), 'pem'],
  ] as const)('is read as %s writes it', async (_, text, format) => {
    const verdict = await ask([['client-cert', text]], format && { format })
    expect(verdict).toEqual({
      kind: 'proved',
      principal: {
        subject: 'device-7',
        scheme: 'certificate',
        issuer: undefined,
        scopes: new Set(),
        roles: new Set(['device']),
        claims: { names: 'DNS:client.test' },
        expiresAt: expect.any(Number),
      },
    })
    expect(new Date((verdict as { principal: { expiresAt: number } }).principal.expiresAt).getFullYear()).toBeGreaterThan(2_100)
  })

  test('may be looked up later', async () => {
    expect(await ask([['client-cert', rfc9440(client)]], { identify: async (one) => identify(one) })).toMatchObject({
      kind: 'proved',
      principal: { subject: 'device-7' },
    })
  })

  test('is believed from nobody else, and from no other field', async () => {
    expect(await ask([['client-cert', rfc9440(client)]], { viaTrustedProxy: false })).toEqual({ kind: 'absent' })
    expect(await ask([['x-client-cert', rfc9440(client)]])).toEqual({ kind: 'absent' })
    expect(certificate({ identify }).verify(told([['client-cert', rfc9440(client)]]))).toEqual({ kind: 'absent' })
  })

  test('is none where the field is empty, as nginx sends it', async () => {
    expect(await ask([['client-cert', '']], { format: 'pem' })).toEqual({ kind: 'absent' })
  })

  test.each<[string, readonly (readonly [string, string])[], ('pem' | undefined)?]>([
    ['no certificate', [['client-cert', ':AAAA:']]],
    ['not between colons', [['client-cert', rfc9440(client).slice(1)]]],
    ['the other form', [['client-cert', escaped(client)]]],
    ['broken off', [['client-cert', `${rfc9440(client).slice(0, 200)}:`]]],
    ['badly escaped', [['client-cert', '%']], 'pem'],
    // The first of the two would be the one that the client has sent.
    ['twice', [stranger, client].map((pem) => ['client-cert', escaped(pem)] as const), 'pem'],
  ])('is refused when it is %s', async (_, fields, format) => {
    const options = format ? { format } : {}
    expect(await ask(fields, options)).toEqual({ kind: 'refused', status: 400, reason: 'malformed-certificate' })
  })

  test.each<[string, number, string]>([
    ['is refused on the first moment after its end', Date.parse(validTo), 'expired'],
    ['is good on the last one before', Date.parse(validTo) - 1, 'proved'],
    ['is good on its first moment', Date.parse(validFrom), 'proved'],
    ['is refused on the one before', Date.parse(validFrom) - 1, 'expired'],
  ])('%s', async (_, date, found) => {
    const verdict = await ask([['client-cert', rfc9440(client)]], { clock: virtualClock({ date }) })
    expect(verdict.kind === 'refused' ? verdict.reason : verdict.kind).toBe(found)
  })

  test('that nobody knows lets nobody in', async () => {
    expect(await ask([['client-cert', rfc9440(stranger)]])).toEqual({
      kind: 'refused',
      status: 401,
      reason: 'unknown-certificate',
    })
    const reply = await replyOf(
      chain()
        .use(auth(certificate({ header: 'client-cert', identify }), { optional: true }))
        .to(hello),
      told([['client-cert', rfc9440(stranger)]]),
    )
    expect([reply.status, reply.headers.get('www-authenticate')]).toEqual([401, 'Certificate realm="api"'])
  })
})

// RFC 8705 §3.
describe('a token that is bound to a certificate', async () => {
  const issuer = 'https://id.example.com/'
  const signer = await pair('k1')
  // openssl x509 -in client.pem -outform der | openssl dgst -sha256 -binary | base64url
  const thumbprint = 'VurRpU3gjZ1T9FtygZ8u9EOaPAGK_GHCW3zZT0o0DFA'
  const options = { issuer, audience: 'api', algorithms: ['ES256'], keys: [signer.jwk] } as const
  const bound = await token(signer, issuer, { claims: { cnf: { 'x5t#S256': thumbprint } } })
  const free = await token(signer, issuer)
  const asked = async (binding: Parameters<typeof jwt>[1], text: string, pem?: string): Promise<Verdict> => {
    const fields = [['authorization', `Bearer ${text}`], ...(pem === undefined ? [] : [['client-cert', rfc9440(pem)]])]
    return jwt(options, binding).verify(told(fields as [string, string][]))
  }
  const binding = { certificate: { header: 'client-cert' } }

  test('passes with that certificate', async () => {
    expect(await asked(binding, bound, client)).toMatchObject({ kind: 'proved', principal: { subject: 'ada', scheme: 'bearer' } })
  })

  test.each([
    ['without one', undefined, 'no-certificate'],
    ['with another one', stranger, 'wrong-certificate'],
    ['with what is none', '', 'wrong-certificate'],
  ])('is refused %s', async (_, pem, reason) => {
    expect(await asked(binding, bound, pem)).toMatchObject({ kind: 'refused', status: 401, reason })
  })

  test('is refused where nobody looks at certificates', async () => {
    expect(await asked(undefined, bound, client)).toMatchObject({ kind: 'refused', reason: 'bound-token' })
  })

  test('is asked for its certificate each time, also when it is remembered', async () => {
    const verifier = jwt(options, binding)
    const answers: unknown[] = []
    for (const pem of [client, stranger, client]) {
      const fields = [
        ['authorization', `Bearer ${bound}`],
        ['client-cert', rfc9440(pem)],
      ] as const
      answers.push((await verifier.verify(told(fields))).kind)
    }
    expect(answers).toEqual(['proved', 'refused', 'proved'])
  })

  test('is the only one that passes where bearer tokens are not taken', async () => {
    expect(await asked({ ...binding, bearer: false }, bound, client)).toMatchObject({ kind: 'proved' })
    expect(await asked({ ...binding, bearer: false }, free, client)).toMatchObject({ kind: 'refused', reason: 'unbound-token' })
  })
})
