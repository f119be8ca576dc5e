import { at, cc, origin, type Row, row, store } from '../row.ts'

const tags = '9110 §13.1.2'
const dates = '9110 §13.1.3'
const changed = at(-1_000)
const stored = origin(
  cc('max-age=60', { etag: '"1"', 'last-modified': changed, vary: 'x', 'content-location': '/here', expires: at(90) }),
)
const dated = origin(cc('max-age=60', { 'last-modified': changed }))
const weak = origin(cc('max-age=60', { etag: 'W/"1"' }))

const by = (
  section: string,
  level: Row['level'],
  says: string,
  first: typeof stored,
  headers: Record<string, string>,
  status: number,
): Row => row(section, level, says, first, store({ headers, status }))

export const conditional: readonly Row[] = [
  by(tags, 'MUST', 'the tag that is stored', stored, { 'if-none-match': '"1"' }, 304),
  by(tags, 'MUST', 'another tag', stored, { 'if-none-match': '"2"' }, 200),
  by(tags, 'MUST', 'first of several', stored, { 'if-none-match': '"1", "2", "3"' }, 304),
  by(tags, 'MUST', 'one of several', stored, { 'if-none-match': '"0", "1", "3"' }, 304),
  by(tags, 'MUST', 'last of several', stored, { 'if-none-match': '"2", "3", "1"' }, 304),
  by(tags, 'MUST', 'none of several', stored, { 'if-none-match': '"2", "3"' }, 200),
  by(tags, 'MUST', 'several without spaces', stored, { 'if-none-match': '"0","1"' }, 304),
  by(tags, 'MUST', 'a comma within a tag', stored, { 'if-none-match': '"0,1"' }, 200),
  by(tags, 'MUST', 'any', stored, { 'if-none-match': '*' }, 304),
  by('9110 §8.8.3.2', 'MUST', 'tags are compared weakly: asked', stored, { 'if-none-match': 'W/"1"' }, 304),
  by('9110 §8.8.3.2', 'MUST', 'tags are compared weakly: stored', weak, { 'if-none-match': '"1"' }, 304),
  by('9110 §8.8.3.2', 'MUST', 'tags are compared weakly: both', weak, { 'if-none-match': 'W/"1"' }, 304),
  by('9110 §8.8.3.2', 'MUST', 'another weak one', weak, { 'if-none-match': 'W/"2"' }, 200),
  by('9110 §8.8.3', 'MUST', 'tags are the same in no other case', stored, { 'if-none-match': '"A"' }, 200),
  by(dates, 'MUST', 'the date of the last change', dated, { 'if-modified-since': changed }, 304),
  by(dates, 'MUST', 'a later date', dated, { 'if-modified-since': at(-10) }, 304),
  by(dates, 'MUST', 'an earlier date', dated, { 'if-modified-since': at(-2_000) }, 200),
  by(dates, 'MUST', 'what is no date', dated, { 'if-modified-since': 'yesterday' }, 200),
  by('9110 §5.6.7', 'MUST', 'a date of RFC 850', dated, { 'if-modified-since': 'Friday, 01-May-26 11:50:00 GMT' }, 304),
  by('9110 §5.6.7', 'MUST', 'a date of asctime', dated, { 'if-modified-since': 'Fri May  1 11:50:00 2026' }, 304),
  by(
    dates,
    'MUST',
    'a tag wins over a date: it is the same',
    stored,
    { 'if-none-match': '"1"', 'if-modified-since': at(-2_000) },
    304,
  ),
  by(
    dates,
    'MUST',
    'a tag wins over a date: it is another',
    stored,
    { 'if-none-match': '"2"', 'if-modified-since': at(-10) },
    200,
  ),
  by(
    '9111 §4.3.2',
    'MUST',
    'without a last change the Date counts: later',
    origin(cc('max-age=60')),
    { 'if-modified-since': at(10) },
    304,
  ),
  by(
    '9111 §4.3.2',
    'MUST',
    'without a last change the Date counts: earlier',
    origin(cc('max-age=60')),
    { 'if-modified-since': at(-10) },
    200,
  ),
  row(
    '9110 §15.4.5',
    'MUST',
    'a 304 has the fields that a 200 would have had',
    stored,
    store({
      ...{ headers: { 'if-none-match': '"1"' }, status: 304 },
      gets: {
        etag: '"1"',
        vary: 'x',
        'cache-control': 'max-age=60',
        'content-location': '/here',
        expires: at(90),
        date: at(0),
        age: '0',
      },
    }),
  ),
  row(
    '9110 §15.4.5',
    'SHOULD',
    'and none that tell of the body',
    origin(cc('max-age=60', { etag: '"1"', 'content-type': 'text/x', 'content-encoding': 'gzip', 'content-language': 'en' })),
    store({
      ...{ headers: { 'if-none-match': '"1"' }, status: 304 },
      gets: { 'content-type': null, 'content-encoding': null, 'content-language': null, 'content-length': null },
    }),
  ),
  row(
    '9110 §13.2.1',
    'MUST',
    'conditions are for successes: a stored 404 is a 404',
    origin(cc('max-age=60', { etag: '"1"' }), { answer: { status: 404 } }),
    store({ headers: { 'if-none-match': '"1"' }, status: 404 }),
  ),
  row(
    '9110 §13.2.1',
    'MUST',
    'a stored redirect is a redirect',
    origin(cc('max-age=60', { etag: '"1"', location: '/x' }), { answer: { status: 301 } }),
    store({ headers: { 'if-none-match': '"1"' }, status: 301 }),
  ),
  row(
    '9111 §4.3.2',
    'MUST',
    'If-Match is for the origin',
    stored,
    origin(undefined, { headers: { 'if-match': '"1"' }, sees: { 'if-match': '"1"' } }),
  ),
  row(
    '9111 §4.3.2',
    'MUST',
    'If-Unmodified-Since is for the origin',
    stored,
    origin(undefined, { headers: { 'if-unmodified-since': at(10) }, sees: { 'if-unmodified-since': at(10) } }),
  ),
  row(
    '9111 §4.3.2',
    'MUST',
    'HEAD is asked by tags too',
    stored,
    store({ method: 'HEAD', headers: { 'if-none-match': '"1"' }, status: 304 }),
  ),
]
