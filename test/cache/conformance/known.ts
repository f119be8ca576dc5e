/**
 * What the public tests ask that is not done here, and why. What passes after all must go from this list.
 * Of the tests as they were published, those that RFC 9111 and RFC 9213 have overruled since are told of in `amend.js`.
 */
export const refused: Readonly<Record<string, string>> = {
  'status-400-fresh':
    'ours: what tells of who asked is not stored, or one bad request would spoil the page for all (`status.ts`); many servers put max-age on whatever they send',
  'status-400-stale': 'needs status-400-fresh',
  'method-POST': 'RFC 9110 §9.3.3 lets answers to POST be stored with a matching Content-Location: not claimed',
  'vary-normalise-lang-order': 'RFC 9110 §12.5.4: some servers take the order for a preference, so it makes another variant',
  'vary-normalise-lang-select': 'RFC 9111 §4.1: which language a server would choose is not guessed',
  'conditional-lm-fresh-no-lm': 'RFC 9111 §4.3.2: without Last-Modified the Date counts, and it is later than what is asked',
  'headers-store-Set-Cookie': 'ours: what sets a cookie is for one client (`setCookie`)',
  'headers-store-Transfer-Encoding': 'RFC 9112 §6.1: the proxy takes no answer whose end is unclear',
  'other-set-cookie': 'ours: what sets a cookie is for one client (`setCookie`)',
  'partial-store-partial-reuse-partial': 'RFC 9111 §3.3: parts need not be stored',
  'partial-store-partial-reuse-partial-byterange': 'RFC 9111 §3.3: parts need not be stored',
  'partial-store-partial-reuse-partial-absent': 'RFC 9111 §3.3: parts need not be stored',
  'partial-store-partial-reuse-partial-suffix': 'RFC 9111 §3.3: parts need not be stored',
  'partial-store-partial-complete': 'RFC 9111 §3.3: parts need not be stored, nor completed',
}

/** What the tests ask as they were published in 2020, and nobody should do who follows what was decided since. */
export const overruled: Readonly<Record<string, string>> = {
  ...Object.fromEntries(
    [
      'nonnumeric',
      'negative',
      'float',
      'prefix-twoline',
      'dup-0',
      'dup-0-twoline',
      'dup-old',
      'parameter',
      'numeric-parameter',
    ].map((name) => [`age-parse-${name}`, 'RFC 9111 §5.1: what cannot be read is ignored, and of several the first holds']),
  ),
  ...Object.fromEntries(
    ['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=2'].map((name) => [
      `stale-close-${name}`,
      'RFC 9111 §4.2.4: there is nothing that may be sent; the test wants a 200 of a server that has broken off',
    ]),
  ),
  '304-etag-update-response-Content-MD5':
    'RFC 9111 §3.2: any field is brought up to date, but those that say how the body is read',
  '304-etag-update-response-ETag': 'RFC 9111 §4.3.4: a 304 with another strong tag speaks of another response',
  '304-etag-update-response-Set-Cookie': 'ours: what sets a cookie is for one client (`setCookie`)',
  'surrogate-max-age-me-target': 'RFC 9213: no capabilities are told, so none is named',
  'surrogate-max-age-case-insensitive': 'RFC 9213 §2.1: keys of a Dictionary are in lower case',
  'surrogate-fresh-cc-nostore': 'RFC 9213: no capabilities are told, so none is named',
}
