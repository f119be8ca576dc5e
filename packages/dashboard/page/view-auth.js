import { get } from './api.js'
import { el, panel, setClass, setText, table } from './dom.js'
import { count, dash } from './format.js'

const tones = { proved: 'good', absent: 'quiet', refused: 'bad', denied: 'warn', unavailable: 'bad' }

export function auth() {
  const list = table({
    caption: 'What was decided of who asks',
    empty: 'auth has decided nothing yet.',
    key: (d) => `${d.outcome}\n${d.reason}\n${d.scheme}`,
    columns: [
      { title: 'outcome', fill: outcomeCell },
      { title: 'reason', kind: 'wide', text: (d) => d.reason || dash },
      { title: 'scheme', text: (d) => d.scheme || dash },
      { title: 'requests', kind: 'num', text: (d) => count(d.count) },
    ],
  })
  return {
    name: 'auth',
    title: 'Auth',
    node: el('div', {}, panel('Decisions', list.node)),
    refresh: async () => list.update((await get('auth')).decisions),
  }
}

function outcomeCell(cell, { outcome }) {
  if (!cell.firstChild) cell.append(el('span'))
  setText(cell.firstChild, outcome)
  setClass(cell.firstChild, `state ${tones[outcome] ?? 'quiet'}`)
}
