import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** One of the certificates that `make.sh` makes, with its key: as text, and as the paths of their files. */
export interface TestCertificate {
  readonly cert: string
  readonly key: string
  readonly files: { readonly cert: string; readonly key: string }
}

/** The authority that vouches for all but `stranger`. */
export const authority: string = readFileSync(new URL('ca.pem', import.meta.url), 'utf8')

/** By the name of its file. `a` and `renewed` are for a.test, localhost and 127.0.0.1; `star` for *.b.test. */
export function certificate(name: 'a' | 'renewed' | 'star' | 'client' | 'expired' | 'stranger'): TestCertificate {
  const path = (ending: string) => fileURLToPath(new URL(`${name}.${ending}`, import.meta.url))
  const files = { cert: path('pem'), key: path('key') }
  return { cert: readFileSync(files.cert, 'utf8'), key: readFileSync(files.key, 'utf8'), files }
}
