import { jwt } from '@gatelet/auth'
import { virtualClock } from '@gatelet/testing'
import type { JWK } from 'jose'
import { describe, expect, test } from 'vitest'
import { isSigned } from '../../src/jwt/signature.ts'
import type { Algorithm } from '../../src/keys/fit.ts'
import { KeySet } from '../../src/keys/key-set.ts'
import { contextOf } from '../fakes.ts'

interface Example {
  readonly algorithm: Algorithm
  readonly jwk: JWK
  readonly token: string
}

const payload = 'eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ'

// RFC 7515 appendix A and RFC 8037 appendix A, with the public half of their keys.
const examples: Readonly<Record<string, Example>> = {
  'A.1': {
    algorithm: 'HS256',
    jwk: { kty: 'oct', k: 'AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow' },
    token: `eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.${payload}.dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk`,
  },
  'A.2': {
    algorithm: 'RS256',
    jwk: {
      kty: 'RSA',
      e: 'AQAB',
      n:
        'ofgWCuLjybRlzo0tZWJjNiuSfb4p4fAkd_wWJcyQoTbji9k0l8W26mPddxHmfHQp-Vaw-4qPCJrcS2mJPMEzP1Pt0Bm4d4QlL-yRT-SFd2lZS-pCgNMsD1W_' +
        'YpRPEwOWvG6b32690r2jZ47soMZo9wGzjb_7OMg0LOL-bSf63kpaSHSXndS5z5rexMdbBYUsLA9e-KXBdQOS-UTo7WTBEMa2R2CapHg665xsmtdVMTBQY4uD' +
        'Zlxvb3qCo5ZwKh9kG4LT6_I5IhlJH7aGhyxXFvUK-DWNmoudF8NAco9_h9iaGNj8q2ethFkMLs91kzk2PAcDTW9gb54h4FRWyuXpoQ',
    },
    token:
      `eyJhbGciOiJSUzI1NiJ9.${payload}.` +
      'cC4hiUPoj9Eetdgtv3hF80EGrhuB__dzERat0XF9g2VtQgr9PJbu3XOiZj5RZmh7AAuHIm4Bh-0Qc_lF5YKt_O8W2Fp5jujGbds9uJdbF9CUAr7t1dnZcAcQ' +
      'jbKBYNX4BAynRFdiuB--f_nZLgrnbyTyWzO75vRK5h6xBArLIARNPvkSjtQBMHlb1L07Qe7K0GarZRmB_eSN9383LcOLn6_dO--xi12jzDwusC-eOkHWEsqt' +
      'FZESc6BfI7noOPqvhJ1phCnvWh6IeYI2w9QOYEUipUTI8np6LbgGY9Fs98rqVt5AXLIhWkWywlVmtVrBp0igcN_IoypGlUPQGe77Rw',
  },
  'A.3': {
    algorithm: 'ES256',
    jwk: {
      kty: 'EC',
      crv: 'P-256',
      x: 'f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU',
      y: 'x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0',
    },
    token: `eyJhbGciOiJFUzI1NiJ9.${payload}.DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQxfKTUJqPP3-Kg6NU1Q`,
  },
  'A.4': {
    algorithm: 'ES512',
    jwk: {
      kty: 'EC',
      crv: 'P-521',
      x: 'AekpBQ8ST8a8VcfVOTNl353vSrDCLLJXmPk06wTjxrrjcBpXp5EOnYG_NjFZ6OvLFV1jSfS9tsz4qUxcWceqwQGk',
      y: 'ADSmRA43Z1DSNx_RvcLI87cdL07l6jQyyBXMoxVg_l2Th-x3S1WDhjDly79ajL4Kkd0AZMaZmh9ubmf63e3kyMj2',
    },
    token:
      'eyJhbGciOiJFUzUxMiJ9.UGF5bG9hZA.' +
      'AdwMgeerwtHoh-l192l60hp9wAHZFVJbLfD_UxMi70cwnZOYaRI1bKPWROc-mZZqwqT2SI-KGDKB34XO0aw_7XdtAG8GaSwFKdCAPZgoXD2YBJZCPEX3xKpR' +
      'wcdOO8KpEHwJjyqOgzDO7iKvU8vcnwNrmxYbSW9ERBXukOXolLzeO_Jn',
  },
  'RFC 8037 A.4': {
    algorithm: 'EdDSA',
    jwk: { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' },
    token:
      'eyJhbGciOiJFZERTQSJ9.RXhhbXBsZSBvZiBFZDI1NTE5IHNpZ25pbmc.' +
      'hgyY0il_MGCjP0JzlnLWG1PPOt7-09PGcvMg3AIbQR6dWbhijcNR4ki4iylGjg5BhVsPt9g7sVvpAr_MuM0KAg',
  },
}

const signed = (token: string, { jwk, algorithm }: Example) =>
  isSigned(token, Buffer.from(token.split('.')[2] as string, 'base64url'), new KeySet([jwk]).find(undefined, algorithm))

describe.each(Object.entries(examples))('the example %s', (_, example) => {
  test('is signed by its key', async () => {
    expect(await signed(example.token, example)).toBe(true)
  })

  test.each(Object.entries(examples).filter(([, other]) => other !== example))(
    'is not signed by the key of %s',
    async (__, other) => {
      expect(await signed(example.token, other)).toBe(false)
    },
  )

  test('with another payload is not', async () => {
    const [head, , tail] = example.token.split('.')
    expect(await signed(`${head}.${Buffer.from('{"iss":"eve"}').toString('base64url')}.${tail}`, example)).toBe(false)
  })
})

const judged = (token: string, { jwk, algorithm }: Example, date: number) => {
  const clock = virtualClock({ date })
  const verifier = jwt({ issuer: 'joe', audience: 'api', algorithms: [algorithm], keys: [jwk], clock })
  return verifier.verify(contextOf({ authorization: `Bearer ${token}` }))
}

test.each(['A.1', 'A.2', 'A.3'])(
  'the token of %s is good as such, but for nobody: a verifier wants an audience',
  async (name) => {
    const example = examples[name] as Example
    expect(await judged(example.token, example, 1_300_819_379_000)).toMatchObject({ kind: 'refused', reason: 'wrong-audience' })
    const spoilt = example.token.replace(/.(?=.$)/, (letter) => (letter === 'A' ? 'B' : 'A'))
    expect(await judged(spoilt, example, 1_300_819_379_000)).toMatchObject({ kind: 'refused', reason: 'bad-signature' })
  },
)

test.each(['A.4', 'RFC 8037 A.4'])('what is signed in %s is no token', async (name) => {
  const example = examples[name] as Example
  expect(await judged(example.token, example, 0)).toMatchObject({ kind: 'refused', reason: 'malformed' })
})

test.each(['A.1', 'A.2', 'A.3'])('A.5, which is signed by nobody, is refused whatever keys there are (%s)', async (name) => {
  const example = examples[name] as Example
  const verdict = await judged(`eyJhbGciOiJub25lIn0.${payload}.`, example, 1_300_819_379_000)
  expect(verdict).toMatchObject({ kind: 'refused', reason: 'malformed' })
})
