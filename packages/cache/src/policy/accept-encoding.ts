const known = ['br', 'deflate', 'gzip', 'zstd']

/**
 * `Accept-Encoding` as the set of well-known codings that it accepts, in one spelling and order: clients write it in
 * thousands of ways, and variants are few. Responses in other codings are not stored (`isKnownEncoding`).
 */
export function acceptedEncodings(value: string): string {
  const weights = new Map<string, boolean>()
  for (const member of value.toLowerCase().split(',')) {
    const [coding = '', ...params] = member.split(';').map((part) => part.trim())
    const isRefused = params.some((param) => /^q\s*=\s*0(\.0*)?$/.test(param))
    weights.set(coding.replace(/^x-/, ''), !isRefused)
  }
  const others = weights.get('*')
  const accepted = known.filter((coding) => weights.get(coding) ?? others ?? false)
  // Unless it is refused, a body as it is will do (RFC 9110 §12.5.3).
  if (!(weights.get('identity') ?? others ?? true)) accepted.push('identity;q=0')
  return accepted.join(', ')
}

/** Whether a `Content-Encoding` is one that `acceptedEncodings` tells apart. */
export function isKnownEncoding(value: string | undefined): boolean {
  const codings = (value ?? '')
    .toLowerCase()
    .split(',')
    .map((coding) => coding.trim().replace(/^x-/, ''))
  return codings.every((coding) => coding === '' || coding === 'identity' || known.includes(coding))
}
