import { tail as open } from './api.js'
import { el, panel, setText, table } from './dom.js'
import { dash, ms, time } from './format.js'

const KEPT = 100

export function tail() {
  const list = table({
    caption: 'Requests as they end',
    empty: 'Waiting for requests.',
    key: (r) => r.number,
    columns: [
      { title: 'at', text: (r) => time(r.at) },
      { title: 'status', kind: 'num', text: (r) => `${r.status}${r.outcome === 'finished' ? '' : ` ${r.outcome}`}` },
      { title: 'request', kind: 'name', text: (r) => `${r.method} ${r.path}` },
      { title: 'route', kind: 'name', text: (r) => r.route ?? dash },
      { title: 'endpoint', kind: 'name', text: (r) => (r.endpoint ?? dash) + (r.attempts > 1 ? `, ${r.attempts} attempts` : '') },
      { title: 'took', kind: 'num', text: (r) => ms(r.durationMs) },
      { title: 'client', text: (r) => r.client },
    ],
  })
  const filter = el('input', {
    id: 'tail-filter',
    type: 'search',
    placeholder: '/users or 5xx',
    autocomplete: 'off',
    spellcheck: 'false',
  })
  const pause = el('button', { type: 'button', text: 'pause', 'aria-pressed': 'false' })
  const note = el('span', { class: 'why', role: 'status' })
  let rows = []
  let number = 0
  let skipped = 0
  let isPaused = false
  let source
  pause.addEventListener('click', () => {
    isPaused = !isPaused
    pause.setAttribute('aria-pressed', String(isPaused))
    show()
  })
  filter.addEventListener('input', show)

  function show() {
    if (!isPaused) list.update(rows.filter((row) => fits(row, filter.value.trim())))
    setText(note, skipped > 0 ? `${skipped} more than could be shown` : '')
  }

  function take({ data }) {
    const batch = JSON.parse(data)
    skipped += batch.skipped
    for (const row of batch.rows) row.number = number++
    rows = [...batch.rows.reverse(), ...rows].slice(0, KEPT)
    show()
  }

  const line = el('div', { class: 'line' }, el('label', { for: 'tail-filter', text: 'only' }), filter, pause, note)
  return {
    name: 'tail',
    title: 'Live',
    node: el('div', {}, panel('Live requests', line, list.node)),
    show() {
      source ??= open()
      source.addEventListener('rows', take)
      show()
    },
    hide() {
      source?.close()
      source = undefined
    },
    refresh: async () => {},
  }
}

function fits({ method, path, route, endpoint, status }, wanted) {
  if (wanted === '') return true
  if (/^[1-5]xx$/.test(wanted)) return String(status).startsWith(wanted[0])
  return [method, path, route, endpoint, String(status)].some((text) => text?.includes(wanted))
}
