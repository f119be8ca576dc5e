import { change, get, session } from './api.js'
import { el, panel, setClass, setText, table } from './dom.js'
import { ago, count, dash, ms, percent, rate, time } from './format.js'
import { tell } from './told.js'

/** A dot and a word. */
export function stateOf({ state }) {
  return el('span', { class: `state ${toneOf(state)}`, text: state })
}

const toneOf = (state) => ({ active: 'good', draining: 'quiet', ejected: 'bad', unhealthy: 'bad' })[state] ?? 'quiet'

export function endpoints() {
  let startedAt = Date.now()
  const list = table({
    caption: 'Endpoints of all balancers',
    empty: 'No balancer was handed in, or none has an endpoint.',
    key: (e) => `${e.balancer}\n${e.id}`,
    columns: [
      { title: 'endpoint', kind: 'name', fill: nameCell },
      { title: 'state', fill: stateCell },
      { title: 'weight', kind: 'num', text: weightText },
      {
        title: 'in flight',
        kind: 'num',
        text: (e) => (e.limit === undefined ? count(e.inFlight) : `${e.inFlight} of ${e.limit}`),
      },
      { title: 'per second', kind: 'num', text: (e) => rate(e.perSecond) },
      { title: 'failed', kind: 'num', text: (e) => percent(e.failedShare) },
      { title: 'p50', kind: 'num', text: (e) => ms(e.p50) },
      { title: 'p95', kind: 'num', text: (e) => ms(e.p95) },
      { title: 'attempts', kind: 'num', text: (e) => count(e.attempts) },
      { title: 'retries', kind: 'num', text: (e) => count(e.retries) },
      { title: 'since', kind: 'num', text: (e) => (e.since === undefined ? `> ${ago(startedAt)}` : ago(e.since)) },
      { title: 'change', kind: 'actions', fill: actionCell },
    ],
  })
  const changes = table({
    caption: 'The last changes',
    empty: 'Nothing has changed since the dashboard began.',
    key: (c) => `${c.at}\n${c.balancer}\n${c.endpoint}\n${c.change}`,
    columns: [
      { title: 'at', text: (c) => time(c.at) },
      { title: 'endpoint', kind: 'name', text: (c) => (c.balancer ? `${c.balancer} / ${c.endpoint}` : c.endpoint) },
      { title: 'change', text: (c) => c.change },
      { title: 'reason', kind: 'wide', text: (c) => c.reason ?? dash },
    ],
  })
  return {
    name: 'endpoints',
    title: 'Endpoints',
    node: el('div', {}, panel('Endpoints', list.node), panel('Changes', changes.node)),
    async refresh() {
      const seen = await get('endpoints')
      startedAt = seen.startedAt
      list.update(seen.endpoints)
      changes.update(seen.changes)
    },
  }
}

function weightText({ weight, fullWeight }) {
  const shown = (value) => String(Math.round(value * 100) / 100)
  return weight === fullWeight ? shown(weight) : `${shown(weight)} of ${shown(fullWeight)}`
}

function nameCell(cell, { balancer, id, zone }) {
  setText(cell, `${balancer} / ${id}${zone ? ` (${zone})` : ''}`)
}

function stateCell(cell, row) {
  if (!cell.firstChild) cell.append(stateOf(row), el('span', { class: 'why' }))
  const [state, why] = cell.children
  setText(state, row.state)
  setClass(state, `state ${toneOf(row.state)}`)
  setText(why, row.reason ?? '')
}

/** Made once, so that whoever tabs through the buttons is not thrown out each second. */
function actionCell(cell, row) {
  const { balancer, id, canChange, fullWeight } = row
  if (!cell.firstChild) cell.append(...controls(`${balancer} / ${id}`, (what) => apply({ balancer, id, ...what })))
  const [drain, ready, form] = cell.children
  const isOff = !canChange || !session.canChange
  drain.disabled = isOff || fullWeight === 0
  ready.disabled = isOff || fullWeight > 0
  const [input, set] = form.children
  input.disabled = set.disabled = isOff
  if (document.activeElement !== input) input.value = String(fullWeight)
}

function controls(name, ask) {
  const input = el('input', {
    type: 'number',
    min: 0,
    max: 1_000_000,
    step: 'any',
    required: true,
    'aria-label': `Weight of ${name}`,
  })
  const submit = (event) => {
    event.preventDefault()
    input.blur()
    void ask({ action: 'weight', weight: Number(input.value) })
  }
  return [
    el('button', { type: 'button', text: 'drain', 'aria-label': `Drain ${name}`, onclick: () => void ask({ action: 'drain' }) }),
    el('button', {
      type: 'button',
      text: 'ready',
      'aria-label': `Make ${name} ready`,
      onclick: () => void ask({ action: 'ready' }),
    }),
    el('form', { onsubmit: submit }, input, el('button', { text: 'set', 'aria-label': `Set the weight of ${name}` })),
  ]
}

async function apply(what) {
  try {
    const { id, state, weight } = await change('endpoints/change', what)
    tell(`${what.balancer} / ${id} is ${state}, weight ${weight}`)
  } catch (error) {
    tell(`${what.balancer} / ${what.id} was not changed: ${error.message}`, 'bad')
  }
}
