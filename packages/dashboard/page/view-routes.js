import { get, session } from './api.js'
import { el, panel, setText, table } from './dom.js'
import { count, ms, percent, rate } from './format.js'

const statuses = ['2xx', '3xx', '4xx', '5xx', 'aborted']

export function routes() {
  const list = table({
    caption: 'Routes by their hits',
    empty: 'No request has come yet.',
    key: (r) => r.route,
    columns: [
      { title: 'route', kind: 'name', text: (r) => r.route },
      { title: 'hits', kind: 'num', text: (r) => count(r.hits) },
      { title: 'per second', kind: 'num', text: (r) => rate(r.perSecond) },
      { title: 'by status', kind: 'wide', fill: statusCell },
      { title: 'failed', kind: 'num', text: (r) => percent(r.failedShare) },
      { title: 'p50', kind: 'num', text: (r) => ms(r.p50) },
      { title: 'p95', kind: 'num', text: (r) => ms(r.p95) },
      { title: 'p99', kind: 'num', text: (r) => ms(r.p99) },
    ],
  })
  return {
    name: 'routes',
    title: 'Routes',
    node: el('div', {}, tryBox(), panel('Routes', list.node)),
    refresh: async () => list.update((await get('routes')).routes),
  }
}

/** A bar of the shares, and the counts in words. */
function statusCell(cell, { byStatus, hits }) {
  if (!cell.firstChild) {
    const parts = statuses.map((status) => el('i', { class: `s${status}` }))
    cell.append(el('span', { class: 'split', 'aria-hidden': 'true' }, ...parts), el('span', { class: 'why' }))
  }
  const [bar, words] = cell.children
  statuses.forEach((status, i) => {
    bar.children[i].style.flexGrow = String((byStatus[status] ?? 0) / hits)
  })
  setText(
    words,
    statuses
      .filter((s) => byStatus[s])
      .map((s) => `${s} ${count(byStatus[s])}`)
      .join(', '),
  )
}

function tryBox() {
  const method = el(
    'select',
    { id: 'try-method' },
    ...['GET', 'POST', 'PUT', 'PATCH', 'DELETE', 'HEAD', 'OPTIONS'].map((m) => el('option', { text: m })),
  )
  const url = el('input', {
    id: 'try-url',
    type: 'text',
    required: true,
    placeholder: '/users/7',
    autocomplete: 'off',
    spellcheck: 'false',
  })
  const answer = el('div', { class: 'answer', 'aria-live': 'polite' })
  const submit = async (event) => {
    event.preventDefault()
    try {
      const { explanations } = await get('explain', { method: method.value, url: url.value })
      answer.replaceChildren(...explanations.map(explained))
    } catch (error) {
      answer.replaceChildren(el('p', { class: 'bad', text: error.message }))
    }
  }
  const form = el(
    'form',
    { class: 'line', onsubmit: submit },
    el('label', { for: 'try-method', text: 'method' }),
    method,
    el('label', { for: 'try-url', text: 'URL' }),
    url,
    el('button', { text: 'explain' }),
  )
  const none = el('p', { class: 'empty', text: 'No router was handed in.' })
  return panel('Try a URL', session.routers.length > 0 ? form : none, answer)
}

function explained({ router, request, found, candidates }) {
  const rows = candidates.map(({ route, lost }) =>
    el(
      'li',
      { class: lost ? 'lost' : 'won' },
      el('span', { class: `state ${lost ? 'quiet' : 'good'}`, text: lost ? 'lost' : 'won' }),
      el('code', { text: route }),
      el('span', { class: 'why', text: lost?.because ?? '' }),
    ),
  )
  return el('div', {}, el('h3', { text: `${router}: ${request} is a ${found}` }), el('ul', { class: 'candidates' }, ...rows))
}
