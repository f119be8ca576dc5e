import { get } from './api.js'
import { el, panel, table } from './dom.js'
import { count, dash, time } from './format.js'

export function errors() {
  const list = table({
    caption: 'The last errors, the newest first',
    empty: 'No error has come up.',
    key: (e) => `${e.kind}\n${e.code}\n${e.route}\n${e.endpoint}`,
    columns: [
      { title: 'at', text: (e) => time(e.at) },
      { title: 'code', kind: 'name', text: (e) => e.code },
      { title: 'ended', text: (e) => (e.kind === 'attempt' ? 'an attempt' : `a ${e.kind}`) },
      { title: 'times', kind: 'num', text: (e) => count(e.times) },
      { title: 'request', kind: 'name', text: (e) => `${e.method} ${e.path}` },
      { title: 'endpoint', kind: 'name', text: (e) => e.endpoint ?? dash },
      { title: 'message', kind: 'wide', text: (e) => e.message },
    ],
  })
  return {
    name: 'errors',
    title: 'Errors',
    node: el('div', {}, panel('Recent errors', list.node)),
    refresh: async () => list.update((await get('errors')).errors),
  }
}
