import { get } from './api.js'
import { el, panel, setText, table } from './dom.js'
import { count, duration, time } from './format.js'

const facts = [
  ['allowed', (l) => l.allowed],
  ['refused', (l) => l.refused],
  ['counted by the store', (l) => l.byStore],
  ['counted here, the store being away', (l) => l.byProcess],
  ['counted by nobody', (l) => l.byNobody],
]

export function limits() {
  const values = facts.map(() => el('dd'))
  const policies = table({
    caption: 'Decisions by policy',
    empty: 'No rate limiter has decided yet.',
    key: (p) => p.name,
    columns: [
      { title: 'policy', kind: 'name', text: (p) => p.name },
      { title: 'allowed', kind: 'num', text: (p) => count(p.allowed) },
      { title: 'refused', kind: 'num', text: (p) => count(p.refused) },
      { title: 'would be refused', kind: 'num', text: (p) => count(p.shadow) },
    ],
  })
  const bans = table({
    caption: 'Who is shut out now',
    empty: 'Nobody is shut out.',
    key: (b) => b.key,
    columns: [
      { title: 'who', kind: 'name', text: (b) => b.key },
      { title: 'since', text: (b) => time(b.at) },
      { title: 'for', kind: 'num', text: (b) => duration((b.until - Date.now()) / 1_000) },
    ],
  })
  const stores = table({
    caption: 'Stores whose state has changed',
    empty: 'No store has failed.',
    key: (s) => s.store,
    columns: [
      { title: 'store', kind: 'name', text: (s) => s.store },
      { title: 'state', text: (s) => (s.isAvailable ? 'answers again' : 'is away') },
      { title: 'since', text: (s) => time(s.at) },
    ],
  })
  const list = el('dl', { class: 'tiles' }, ...facts.map(([name], i) => el('div', {}, el('dt', { text: name }), values[i])))
  return {
    name: 'limits',
    title: 'Limits',
    node: el('div', {}, list, panel('Policies', policies.node), panel('Bans', bans.node), panel('Stores', stores.node)),
    async refresh() {
      const seen = await get('limits')
      for (const [i, [, of]] of facts.entries()) setText(values[i], count(of(seen)))
      policies.update(seen.policies)
      bans.update(seen.bans)
      stores.update(seen.stores)
    },
  }
}
