import { loadSession, session } from './api.js'
import { repaint } from './charts.js'
import { el } from './dom.js'
import { auth } from './view-auth.js'
import { cache } from './view-cache.js'
import { endpoints } from './view-endpoints.js'
import { errors } from './view-errors.js'
import { limits } from './view-limits.js'
import { overview } from './view-overview.js'
import { routes } from './view-routes.js'
import { tail } from './view-tail.js'

const EVERY_MS = 1_000
const main = document.getElementById('main')
const status = document.getElementById('status')
let views = []
let current
let timer

async function start() {
  try {
    await loadSession()
  } catch (error) {
    say(error.message, 'bad')
    setTimeout(start, 3_000)
    return
  }
  document.title = session.title
  document.getElementById('title').textContent = session.title
  views = [overview, endpoints, routes, limits, cache, auth, errors, tail].map((make) => make())
  document
    .getElementById('views')
    .append(...views.map(({ name, title }) => el('li', {}, el('a', { href: `#${name}`, text: title }))))
  addEventListener('hashchange', go)
  go()
}

function go() {
  const wanted = location.hash.slice(1)
  if (wanted === 'main') return
  current?.hide?.()
  current = views.find(({ name }) => name === wanted) ?? views[0]
  for (const link of document.querySelectorAll('#views a')) {
    if (link.hash === `#${current.name}`) link.setAttribute('aria-current', 'page')
    else link.removeAttribute('aria-current')
  }
  main.replaceChildren(current.node)
  current.show?.()
  void poll()
}

async function refresh() {
  try {
    await current.refresh()
    say('live', 'good')
  } catch (error) {
    say(error instanceof TypeError ? 'not connected' : error.message, 'bad')
  }
}

// One after another, and none while nobody looks. Another view does not wait for its turn.
async function poll() {
  clearTimeout(timer)
  timer = undefined
  const polled = current
  if (!document.hidden) await refresh()
  if (timer === undefined && polled === current) timer = setTimeout(poll, EVERY_MS)
}

function say(text, tone) {
  if (status.textContent !== text) status.textContent = text
  status.className = `state ${tone}`
}

const theme = document.getElementById('theme')
const system = matchMedia('(prefers-color-scheme: dark)')
const isDark = () => (document.documentElement.dataset.theme ?? (system.matches ? 'dark' : 'light')) === 'dark'

function themed() {
  theme.textContent = isDark() ? 'light' : 'dark'
  theme.setAttribute('aria-label', `Change to the ${theme.textContent} theme`)
  repaint()
}

theme.addEventListener('click', () => {
  const chosen = isDark() ? 'light' : 'dark'
  document.documentElement.dataset.theme = chosen
  try {
    localStorage.setItem('gatelet-theme', chosen)
  } catch {
    // Storage is off: it holds for this visit.
  }
  themed()
})
system.addEventListener('change', themed)
themed()
void start()
