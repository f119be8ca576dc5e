import { createHmac, generateKeyPairSync, type KeyObject, type SigningOptions, sign } from 'node:crypto'
import type { SignatureAlgorithm, SignatureKey } from '@gatelet/auth'

/** Keys that sign, with what verifies. */
export interface Signer {
  readonly known: SignatureKey
  sign(base: string): Buffer
}

function signerOf(
  algorithm: SignatureAlgorithm,
  { publicKey, privateKey }: { publicKey: KeyObject; privateKey: KeyObject },
  hash: string | undefined,
  how: SigningOptions = {},
): Signer {
  return {
    known: { algorithm, key: publicKey },
    sign: (base) => sign(hash, Buffer.from(base, 'latin1'), { key: privateKey, ...how }),
  }
}

const secret = Buffer.alloc(32, 'k')
const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 })

export const signers: Readonly<Record<SignatureAlgorithm, Signer>> = {
  ed25519: signerOf('ed25519', generateKeyPairSync('ed25519'), undefined),
  'ecdsa-p256-sha256': signerOf('ecdsa-p256-sha256', generateKeyPairSync('ec', { namedCurve: 'P-256' }), 'sha256', {
    dsaEncoding: 'ieee-p1363',
  }),
  'ecdsa-p384-sha384': signerOf('ecdsa-p384-sha384', generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'sha384', {
    dsaEncoding: 'ieee-p1363',
  }),
  // 6: PSS; 1: PKCS #1 v1.5.
  'rsa-pss-sha512': signerOf('rsa-pss-sha512', rsa, 'sha512', { padding: 6, saltLength: 64 }),
  'rsa-v1_5-sha256': signerOf('rsa-v1_5-sha256', rsa, 'sha256', { padding: 1 }),
  'hmac-sha256': {
    known: { algorithm: 'hmac-sha256', key: secret },
    sign: (base) => createHmac('sha256', secret).update(base, 'latin1').digest(),
  },
}

/** A component and the value that it must have, both as they stand in the base. */
export type Line = readonly [id: string, value: string]

/** The two fields that sign such a base, written here and by nobody else. */
export function signed(signer: Signer, lines: readonly Line[], params: string, label = 'sig1'): Record<string, string> {
  const list = `(${lines.map(([id]) => id).join(' ')})${params}`
  const base = [...lines.map(([id, value]) => `${id}: ${value}`), `"@signature-params": ${list}`].join('\n')
  return { 'signature-input': `${label}=${list}`, signature: `${label}=:${signer.sign(base).toString('base64')}:` }
}
