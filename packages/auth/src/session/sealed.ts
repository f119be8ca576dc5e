import { createHash, hkdfSync } from 'node:crypto'
import { CompactEncrypt, compactDecrypt } from 'jose'
import { bytesOf } from '../jwt/compact.ts'
import { type Json, strictObject } from '../strict-json.ts'

interface SealKey {
  readonly id: string
  readonly bytes: Uint8Array
}

/** Encrypts and decrypts what stands in cookies: JWE (RFC 7516), `dir` with A256GCM. */
export class Seal {
  private readonly keys: readonly SealKey[]

  /** @param purpose the cookie's name: what was made for another one is not taken */
  constructor(secrets: readonly Uint8Array[], purpose: string) {
    this.keys = secrets.map((secret) => {
      const bytes = new Uint8Array(hkdfSync('sha256', secret, '', `gatelet session ${purpose}`, 32))
      return { id: createHash('sha256').update(bytes).digest('base64url').slice(0, 8), bytes }
    })
  }

  seal(content: object): Promise<string> {
    const { id, bytes } = this.keys[0] as SealKey
    return new CompactEncrypt(Buffer.from(JSON.stringify(content)))
      .setProtectedHeader({ alg: 'dir', enc: 'A256GCM', kid: id })
      .encrypt(bytes)
  }

  /** @returns undefined for what was not sealed with one of the secrets; else the content, and whether with the first one */
  async open(text: string): Promise<{ content: Json; isCurrent: boolean } | undefined> {
    const key = this.keyOf(text)
    if (!key) return undefined
    try {
      const { plaintext } = await compactDecrypt(text, key.bytes, {
        keyManagementAlgorithms: ['dir'],
        contentEncryptionAlgorithms: ['A256GCM'],
      })
      const content = strictObject(plaintext)
      return content && { content, isCurrent: key === this.keys[0] }
    } catch {
      return undefined
    }
  }

  // In one reading only: what is written otherwise is not ours.
  private keyOf(text: string): SealKey | undefined {
    const parts = text.split('.', 6)
    if (parts.length !== 5 || !parts.every((part) => bytesOf(part))) return undefined
    const header = strictObject(bytesOf(parts[0] as string) as Buffer)
    if (!header || Object.keys(header).length !== 3) return undefined
    const { alg, enc, kid } = header
    return alg === 'dir' && enc === 'A256GCM' ? this.keys.find(({ id }) => id === kid) : undefined
  }
}
