import { compactVerify } from 'jose'
import type { VerifyKey } from '../keys/key-set.ts'

/** Whether a token is signed by one of these keys, each by its own algorithm. The token was taken apart before: see `readCompact`. */
export async function isSigned(token: string, keys: readonly VerifyKey[]): Promise<boolean> {
  for (const key of keys) {
    const imported = await key.imported()
    if (!imported) continue
    try {
      await compactVerify(token, imported, { algorithms: [key.algorithm] })
      return true
    } catch {
      // Not by this one.
    }
  }
  return false
}
