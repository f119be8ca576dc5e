import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type CryptoKey, exportJWK, generateKeyPair, type JWK, SignJWT } from 'jose'

/** A pair of keys: the private one signs, the public one is what an issuer tells. */
export interface Pair {
  readonly kid: string
  readonly algorithm: string
  readonly privateKey: CryptoKey
  readonly jwk: JWK
}

export async function pair(kid: string, algorithm = 'ES256'): Promise<Pair> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true })
  return { kid, algorithm, privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm } }
}

export interface Signing {
  readonly header?: Record<string, unknown>
  readonly claims?: Record<string, unknown>
}

/** A token as an issuer signs it: for `api`, good for a minute. */
export function token(
  { privateKey, kid, algorithm }: Pair,
  issuer: string,
  { header = {}, claims = {} }: Signing = {},
): Promise<string> {
  const now = Math.floor(Date.now() / 1_000)
  const said = { iss: issuer, aud: 'api', sub: 'ada', scope: 'read write', iat: now, exp: now + 60, ...claims }
  return new SignJWT(JSON.parse(JSON.stringify(said))).setProtectedHeader({ alg: algorithm, kid, ...header }).sign(privateKey)
}

/** A local issuer that behaves as OpenID Connect Discovery says, and counts who asks. */
export class Issuer {
  keys: readonly JWK[] = []
  /** What it answers in place of its keys. */
  fault: 'hang' | 'stall' | 'error' | 'redirect' | 'huge' | 'garbage' | undefined
  /** In place of its set of keys. */
  keySet: unknown
  asked = { metadata: 0, keys: 0 }
  /** What follows the host in its name: `/realms/shop`, or `/`. */
  path = ''
  keysPath = '/jwks'
  /** More members of its metadata, or others. */
  metadata: Record<string, unknown> = {}
  private readonly server = createServer((req, res) => {
    const isMetadata = req.url === `${this.path.replace(/\/$/, '')}/.well-known/openid-configuration`
    if (isMetadata) this.asked.metadata++
    else if (req.url === this.keysPath) this.asked.keys++
    else return void res.writeHead(404).end()
    const { fault } = this
    if (fault === 'hang') return
    if (fault === 'stall') return void res.writeHead(200, { 'content-type': 'application/json' }).write('{"keys":[')
    if (fault === 'error') return void res.writeHead(500).end()
    if (fault === 'redirect') return void res.writeHead(302, { location: '/jwks' }).end()
    if (fault === 'huge') return void res.end(`{"keys":[${'"x",'.repeat(1_000_000)}"x"]}`)
    if (fault === 'garbage') return void res.end('<html>')
    res.setHeader('content-type', 'application/json')
    const told = isMetadata
      ? { issuer: this.url, jwks_uri: `${this.origin}${this.keysPath}`, ...this.metadata }
      : (this.keySet ?? { keys: this.keys })
    res.end(JSON.stringify(told))
  })

  static async start(keys: readonly Pair[]): Promise<Issuer> {
    const issuer = new Issuer()
    issuer.keys = keys.map(({ jwk }) => jwk)
    await new Promise<void>((resolve) => issuer.server.listen(0, '127.0.0.1', resolve))
    return issuer
  }

  /** What it calls itself. */
  get url(): string {
    return `${this.origin}${this.path}`
  }

  private get origin(): string {
    return `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`
  }

  async close(): Promise<void> {
    this.server.closeAllConnections()
    await new Promise((resolve) => this.server.close(resolve))
  }
}
