import { escaped, STYLE } from './svg.ts'

/** One message: from whom to whom, and what it says. */
type Step = readonly [from: Lane, to: Lane, says: string]

type Lane = 'client' | 'other' | 'third' | 'cache' | 'upstream'

interface Flow {
  readonly title: string
  readonly lanes: Readonly<Partial<Record<Lane, string>>>
  readonly steps: readonly Step[]
}

const alone = { client: 'client', cache: 'cache', upstream: 'upstream' }

const flows: readonly Flow[] = [
  {
    title: 'Miss, then hit',
    lanes: alone,
    steps: [
      ['client', 'cache', 'GET /a'],
      ['cache', 'upstream', 'GET /a'],
      ['upstream', 'cache', '200, max-age=60'],
      ['cache', 'client', 'fwd=uri-miss; stored'],
      ['client', 'cache', 'GET /a'],
      ['cache', 'client', 'hit; ttl=59'],
    ],
  },
  {
    title: 'Stale, asked about behind the reply',
    lanes: alone,
    steps: [
      ['client', 'cache', 'GET /a'],
      ['cache', 'client', 'hit; ttl=-3'],
      ['cache', 'upstream', 'GET /a, If-None-Match'],
      ['upstream', 'cache', '304 or 200'],
      ['client', 'cache', 'GET /a'],
      ['cache', 'client', 'hit; ttl=60'],
    ],
  },
  {
    title: 'Collapsed: three ask, one is asked',
    lanes: { client: 'a', other: 'b', third: 'c', cache: 'cache', upstream: 'upstream' },
    steps: [
      ['client', 'cache', 'GET /a'],
      ['cache', 'upstream', 'GET /a'],
      ['other', 'cache', 'GET /a'],
      ['third', 'cache', 'GET /a'],
      ['upstream', 'cache', '200 …'],
      ['cache', 'client', 'stored'],
      ['cache', 'other', 'collapsed'],
      ['cache', 'third', 'collapsed'],
    ],
  },
  {
    title: 'Too old to be sent: asked about first',
    lanes: alone,
    steps: [
      ['client', 'cache', 'GET /a'],
      ['cache', 'upstream', 'GET /a, If-None-Match'],
      ['upstream', 'cache', '304, max-age=60'],
      ['cache', 'client', 'fwd-status=304'],
    ],
  },
]

const WIDTH = 430
const HEIGHT = 300
const STEP = 26

/** What a cache does with requests, as messages between three. */
export function cacheFlows(): string {
  const panels = flows.map((flow, at) => panel(flow, 20 + (at % 2) * WIDTH, 20 + Math.floor(at / 2) * HEIGHT))
  const [width, height] = [2 * WIDTH + 10, 2 * HEIGHT + 10]
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img">`,
    `<title>What a cache does with requests</title><style>${STYLE}.line{stroke:#59636e;stroke-width:1.5}</style>`,
    `<defs><marker id="to" viewBox="0 0 8 8" refX="7" refY="4" markerWidth="7" markerHeight="7" orient="auto"><path class="s0" d="M0 0L8 4L0 8z"/></marker></defs>`,
    `<rect class="page" x=".5" y=".5" width="${width - 1}" height="${height - 1}" rx="6"/>`,
    ...panels,
    '</svg>\n',
  ].join('\n')
}

function panel({ title, lanes, steps }: Flow, left: number, top: number): string {
  const names = Object.entries(lanes) as [Lane, string][]
  const gap = (WIDTH - 90) / (names.length - 1)
  const at = new Map(names.map(([lane], place) => [lane, left + 30 + place * gap]))
  const bottom = top + 70 + steps.length * STEP
  return [
    `<text class="title" x="${left}" y="${top + 14}">${escaped(title)}</text>`,
    ...names.map(([lane, name]) => `<text class="middle soft" x="${at.get(lane)}" y="${top + 40}">${escaped(name)}</text>`),
    ...names.map(([lane]) => `<path class="grid" d="M${at.get(lane)} ${top + 48}V${bottom}"/>`),
    ...steps.map((step, place) => message(step, at, top + 74 + place * STEP)),
  ].join('\n')
}

// Above the last stretch of its arrow, which only one lane is next to.
function message([from, to, says]: Step, at: ReadonlyMap<Lane, number>, y: number): string {
  const [start = 0, end = 0] = [at.get(from), at.get(to)]
  const inset = start < end ? 3 : -3
  const arrow = `<path class="line" d="M${start} ${y}H${end - inset}" marker-end="url(#to)"/>`
  return `${arrow}<text class="middle" x="${(start + end) / 2}" y="${y - 5}">${escaped(says)}</text>`
}
