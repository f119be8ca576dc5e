/**
 * What the public tests ask that is not done here, and why. What passes after all must go from this list.
 * Of the tests as they were published, those that RFC 9111 and RFC 9213 have overruled since are told of in `amend.js`.
 */
export const refused: Readonly<Record<string, string>> = {
  'status-400-fresh':
    'ours: what tells of who asked is not stored, or one bad request would spoil the page for all (`status.ts`)',
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
