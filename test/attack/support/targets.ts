import fc from 'fast-check'

const pieces = fc.constantFrom(
  ...[
    '/',
    '/',
    '/',
    '/',
    '.',
    '..',
    'a',
    'admin',
    'B',
    '~',
    '%2e',
    '%2E',
    '%2f',
    '%2F',
    '%5C',
    '%61',
    '%41',
    '%c3',
    '%A9',
    '%25',
  ],
  ...[
    '%00',
    '%zz',
    '%',
    ';',
    ':',
    '@',
    '\\',
    '#',
    '?',
    '=',
    '&',
    '"',
    '|',
    '{',
    'é',
    '%c0',
    '%AE',
    '%3b',
    '%3F',
    '%23',
    '%0d%0a',
  ],
)

/** Targets of requests, good and evil. No spaces and no control bytes: the parser takes none. */
export const targets: fc.Arbitrary<string> = fc
  .array(fc.oneof({ weight: 9, arbitrary: pieces }, fc.stringMatching(/^[\x21-\x7e]{1,3}$/)), { maxLength: 12 })
  .map((parts) => `/${parts.join('')}`)
