import { cc, origin, type Row, row, store } from '../row.ts'

const hints = { link: '</a.css>; rel=preload; as=style', 'x-hint': '1' }

export const interim: readonly Row[] = [
  row(
    '9110 §15.2',
    'MUST',
    'a 103 goes to the client, and is none of the answer',
    origin(cc('max-age=60'), { answer: { hints }, interim: [103], gets: { 'x-hint': null } }),
    store({ gets: { 'x-hint': null, link: null }, interim: [] }),
  ),
  row(
    '9111 §3',
    'MUST',
    'a 103 is not stored',
    origin(cc('max-age=60'), { answer: { hints }, interim: [103] }),
    store({ interim: [] }),
  ),
]
