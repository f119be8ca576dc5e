/** What one proxy made of one request. */
export interface Fate {
  /** Of the first final response; 0 where the connection was closed without one, or nothing came. */
  readonly status: number
  /** What the upstream was asked: method, target and body of each request. */
  readonly asked: readonly string[]
  /** Which fields that concern one connection were passed on. */
  readonly passed: readonly string[]
}

/** One request, by its parts. */
export interface Generated {
  readonly method: string
  readonly target: string
  readonly version: string
  readonly hosts: readonly string[]
  readonly fields: readonly string[]
  readonly body: string
}

export type Reference = 'nginx' | 'HAProxy'

/** A way in which we differ from another proxy on purpose. */
export interface Difference {
  readonly what: string
  readonly why: string
  readonly from: readonly Reference[]
  /** Whether it explains what was seen. */
  explains(request: Generated, ours: Fate, theirs: Fate): boolean
}

const both: readonly Reference[] = ['nginx', 'HAProxy']

const isRefused = ({ status, asked }: Fate) => asked.length === 0 && (status >= 400 || status === 0)
const stricter = (ours: Fate, theirs: Fate) => isRefused(ours) && !isRefused(theirs)
const pathOf = ({ target }: Generated) => target.replace(/^https?:\/\/[^/?#]*/i, '').split('?')[0] ?? ''
const has = ({ fields }: Generated, pattern: RegExp) => fields.some((field) => pattern.test(field))

/** All of them. Each must be met by the generated requests, and what none of them explains is a failure. */
export const differences: readonly Difference[] = [
  {
    what: 'A path that servers read in two ways is refused (`//`, `%2F`, `\\`, `%5C`, `..;`, overlong UTF-8, encoded control bytes, a bad `%`)',
    why: 'They pass it on raw, and leave it to each server behind to read it in its own way: that is what path confusion is made of.',
    from: both,
    explains: (request, ours, theirs) =>
      stricter(ours, theirs) &&
      ours.status === 400 &&
      /\/\/|\\|%(?:2f|5c|[01].|7f)|%(?![0-9a-f]{2})|\.\.?(?:;|%3b)|%c[01]%[89ab]/i.test(pathOf(request)),
  },
  {
    what: 'A target with bytes above 127 is refused',
    why: 'RFC 3986 has none, and servers decode them in different ways. nginx passes them on.',
    from: ['nginx'],
    explains: (request, ours, theirs) => stricter(ours, theirs) && /[^!-~]/.test(request.target),
  },
  {
    what: 'A fragment in the target is refused',
    why: 'RFC 9112 §3.2 has none. nginx cuts it off, HAProxy passes it on.',
    from: both,
    explains: (request, ours, theirs) => stricter(ours, theirs) && request.target.includes('#'),
  },
  {
    what: 'The target is passed on in its canonical form: dot segments resolved, unreserved characters decoded, hex in upper case, quotes and braces encoded',
    why: 'What was matched is what is forwarded. They match on one form and forward another.',
    from: both,
    explains: (request, ours, theirs) =>
      ours.status === theirs.status &&
      ours.asked.length === 1 &&
      theirs.asked.length === 1 &&
      ours.asked[0] !== theirs.asked[0] &&
      /[%"<>^`{|}]|\/\.|^http/i.test(request.target),
  },
  {
    what: 'A target of the form http://host/path is passed on as a path',
    why: 'RFC 9112 §3.2.2: the origin form is for origin servers. HAProxy passes it on as it came.',
    from: ['HAProxy'],
    explains: (request, ours, theirs) =>
      /^http/i.test(request.target) && ours.asked.length === 1 && theirs.asked.length === 1 && ours.status === theirs.status,
  },
  {
    what: 'A target and a Host that name different servers are refused',
    why: 'A proxy before us may have looked at either. nginx lets the target win.',
    from: both,
    explains: (request, ours, theirs) => stricter(ours, theirs) && /^http/i.test(request.target),
  },
  {
    what: 'A Host that is no host name or address, with a port at most, is refused',
    why: 'User information, percent signs and impossible ports are read in different ways behind.',
    from: both,
    explains: (request, ours, theirs) =>
      stricter(ours, theirs) &&
      request.hosts.some((host) => !/^[a-z0-9.-]+(?::\d{1,5})?$/i.test(host) || /:(?:0|99999)$/.test(host)),
  },
  {
    what: 'Not exactly one Host field is refused, also where two agree',
    why: 'RFC 9112 §3.2 asks for it. HAProxy takes two that agree, and none.',
    from: ['HAProxy'],
    explains: (request, ours, theirs) => stricter(ours, theirs) && request.hosts.length !== 1,
  },
  {
    what: 'TRACE is refused',
    why: 'It echoes what only the upstream should see. HAProxy passes it on.',
    from: ['HAProxy'],
    explains: (request, ours, theirs) => stricter(ours, theirs) && request.method === 'TRACE',
  },
  {
    what: 'Methods that Node does not know are refused',
    why: 'Its parser has a list. They pass on any word.',
    from: both,
    explains: (request, ours, theirs) => stricter(ours, theirs) && /^(?:FROB|get|PRI)$/.test(request.method),
  },
  {
    what: 'A Transfer-Encoding other than chunked alone is refused, one of HTTP/1.0 too, and one beside a Content-Length',
    why: 'RFC 9112 §6.1 and §6.3: it is what smuggling is made of.',
    from: both,
    explains: (request, ours, theirs) => stricter(ours, theirs) && has(request, /^transfer-encoding/i),
  },
  {
    what: 'A Content-Length that is not one plain number is refused, also twice the same',
    why: 'HAProxy joins equal ones. A server behind may not.',
    from: both,
    explains: (request, ours, theirs) =>
      stricter(ours, theirs) &&
      (has(request, /^content-length: (?!\d+$)/i) || request.fields.filter((field) => /^content-length/i.test(field)).length > 1),
  },
  {
    what: 'A header line that is none is refused: folded, without a name, with a space before its colon, with NUL',
    why: 'RFC 9112 §5.1 and §5.2. nginx drops such lines or passes them on, HAProxy passes folded ones and NUL on.',
    from: both,
    explains: (request, ours, theirs) => stricter(ours, theirs) && has(request, /\r\n |^:|^\S+ :|\0/),
  },
  {
    what: 'A request of HTTP/1.0 is passed on as one of HTTP/1.1',
    why: 'Each side of a gateway speaks its own version (RFC 9110 §2.5). HAProxy passes 1.0 on.',
    from: ['HAProxy'],
    explains: (request, ours, theirs) =>
      request.version === '1.0' && theirs.asked.some((asked) => asked.includes('HTTP/1.0')) && ours.status === 200,
  },
  {
    what: 'A body of a GET or DELETE of HTTP/1.0 is passed on, framed by its length',
    why: 'It is framed as clearly as any other. HAProxy answers 413.',
    from: ['HAProxy'],
    explains: (request, ours, theirs) => stricter(theirs, ours) && request.version === '1.0' && request.body !== '',
  },
  {
    what: '`..` above the root stays at the root',
    why: 'RFC 3986 §5.2.4, as browsers have it; the path that is forwarded has no dots left. nginx refuses it.',
    from: ['nginx'],
    explains: (request, ours, theirs) => stricter(theirs, ours) && /\/(?:\.|%2e){2}(?:\/|$)/i.test(pathOf(request)),
  },
  {
    what: 'An Expect other than 100-continue is 417',
    why: 'RFC 9110 §10.1.1. They pass it on.',
    from: both,
    explains: (request, ours, theirs) => stricter(ours, theirs) && ours.status === 417 && has(request, /^expect/i),
  },
  {
    what: 'HTTP/0.9 and HTTP/2.0 in the form of 1.1 are refused',
    why: 'Neither can be framed in the way of 1.1.',
    from: both,
    explains: (request, ours, theirs) => stricter(ours, theirs) && !/^1\.[01]$/.test(request.version),
  },
  {
    what: 'Fields that concern one connection are not passed on, those that Connection nominates included',
    why: 'RFC 9110 §7.6.1. nginx passes on nominated fields and Proxy-*, HAProxy nearly all.',
    from: both,
    explains: (_, ours, theirs) => ours.passed.length < theirs.passed.length && sameBut(ours, theirs),
  },
  {
    what: 'TE: trailers is passed on',
    why: 'gRPC needs it (RFC 9110 §10.1.4). nginx drops it.',
    from: both,
    explains: (_, ours, theirs) => ours.passed.includes('te') && !theirs.passed.includes('te') && sameBut(ours, theirs),
  },
]

const sameBut = (ours: Fate, theirs: Fate) => ours.status === theirs.status && ours.asked.join() === theirs.asked.join()
