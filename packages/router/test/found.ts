import { type RouteSpec, RouteTable } from '@gatelet/router'

/** A route from `GET /a`, `/a` for any method, or `GET api.example.com/a`; what it finds is this text. */
function routeOf(text: string): RouteSpec<string> {
  const [, method, host, path = ''] = /^(?:([A-Z,]+) )?([^/]*)(.*)$/.exec(text) ?? []
  return { ...(method && { method: method.split(',') }), ...(host && { host }), path, data: text }
}

export function tableOf(...routes: string[]): RouteTable<string> {
  return RouteTable.build(routes.map(routeOf))
}

/** A request from `GET /a`, `/a` for GET, or `POST api.example.com/a`. */
function requestOf(text: string): { method: string; url: { host: string; path: string } } {
  const [, method = 'GET', host = '', path = ''] = /^(?:([A-Z]+) )?([^/]*)(.*)$/.exec(text) ?? []
  return { method, url: { host, path } }
}

/** What a table says, in one line: the route and its parameters, the methods allowed, or the kind. */
export function found(table: RouteTable<string>, request: string): string {
  const match = table.find(requestOf(request))
  if (match.kind === 'wrong-method') return `405 ${match.allow.join(',')}`
  if (match.kind !== 'hit') return match.kind
  const params = Object.entries(match.params).map(([name, value]) => ` ${name}=${value}`)
  return `${match.data}${params.join('')}`
}
