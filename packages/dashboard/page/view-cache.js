import { change, get, session } from './api.js'
import { el, panel, table } from './dom.js'
import { count, percent } from './format.js'
import { tell } from './told.js'

const answered = ({ hit, stale, revalidated, miss }) => hit + stale + revalidated + miss

export function cache() {
  const list = table({
    caption: 'What caches answered',
    empty: 'No cache has answered yet.',
    key: (c) => c.name,
    columns: [
      { title: 'cache', kind: 'name', text: (c) => c.name },
      { title: 'hit', kind: 'num', text: (c) => count(c.hit) },
      { title: 'stale', kind: 'num', text: (c) => count(c.stale) },
      { title: 'revalidated', kind: 'num', text: (c) => count(c.revalidated) },
      { title: 'miss', kind: 'num', text: (c) => count(c.miss) },
      { title: 'bypass', kind: 'num', text: (c) => count(c.bypass) },
      { title: 'from the store', kind: 'num', text: (c) => percent(answered(c) === 0 ? 0 : 1 - c.miss / answered(c)) },
      { title: 'collapsed', kind: 'num', text: (c) => count(c.collapsed) },
      { title: 'stored', kind: 'num', text: (c) => count(c.stored) },
      { title: 'store failed', kind: 'num', text: (c) => count(c.storeFailures) },
    ],
  })
  return {
    name: 'cache',
    title: 'Cache',
    node: el('div', {}, panel('Caches', list.node), purgeBox()),
    refresh: async () => list.update((await get('caches')).caches),
  }
}

const kinds = { url: 'this URL', prefix: 'all URLs that begin so', tag: 'this tag', all: 'everything' }

function purgeBox() {
  if (session.caches.length === 0) return panel('Purge', el('p', { class: 'empty', text: 'No cache was handed in.' }))
  const which = el('select', { id: 'purge-cache' }, ...session.caches.map((name) => el('option', { text: name })))
  const what = el('select', { id: 'purge-what' }, ...Object.entries(kinds).map(([value, text]) => el('option', { value, text })))
  const value = el('input', {
    id: 'purge-value',
    type: 'text',
    required: true,
    placeholder: '/users/7',
    autocomplete: 'off',
    spellcheck: 'false',
  })
  const soft = el('input', { id: 'purge-soft', type: 'checkbox' })
  what.addEventListener('change', () => {
    value.disabled = what.value === 'all'
    value.placeholder = what.value === 'tag' ? 'user-7' : '/users/7'
  })
  const submit = async (event) => {
    event.preventDefault()
    if (what.value === 'all' && !confirm(`Purge everything in ${which.value}?`)) return
    try {
      const { purged } = await change('caches/purge', {
        cache: which.value,
        what: what.value,
        value: value.value,
        soft: soft.checked,
      })
      tell(`${count(purged)} purged from ${which.value}`)
    } catch (error) {
      tell(`Nothing was purged: ${error.message}`, 'bad')
    }
  }
  const form = el(
    'form',
    { class: 'line', onsubmit: submit },
    el('label', { for: 'purge-cache', text: 'cache' }),
    which,
    el('label', { for: 'purge-what', text: 'what' }),
    what,
    el('label', { for: 'purge-value', text: 'value' }),
    value,
    el('label', { for: 'purge-soft' }, soft, ' softly (stale, not gone)'),
    el('button', { text: 'purge', disabled: !session.canChange }),
  )
  return panel('Purge', form)
}
