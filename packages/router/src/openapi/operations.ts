import type { Place } from './place.ts'

/** One operation of a document, as handlers and hooks see it. */
export interface OpenApiOperation {
  /** Its `operationId`. */
  readonly id: string | undefined
  /** In capitals. */
  readonly method: string
  /** As it stands in the document: `/users/{id}`. */
  readonly path: string
  readonly tags: readonly string[]
}

/** An operation and where it is described. */
export interface Found extends OpenApiOperation {
  readonly item: Place
  readonly place: Place
  /** The paths of the servers, without a slash at the end: empty for the root. */
  readonly bases: readonly string[]
}

const methods = ['get', 'put', 'post', 'delete', 'options', 'head', 'patch', 'trace']

/** Every operation under `paths`. @throws GatewayError `BAD_OPTION` for an `operationId` that comes twice */
export function operationsOf(root: Place): Found[] {
  const ids = new Set<string>()
  return root.members('paths').flatMap(([path, each]) => {
    if (path.startsWith('x-')) return []
    const item = each.resolved()
    return methods.flatMap((method): Found[] => {
      const place = item.child(method)
      if (!place) return []
      const id = place.text('operationId')
      if (id !== undefined && ids.has(id)) throw (place.child('operationId') as Place).wrong('another one than elsewhere')
      if (id !== undefined) ids.add(id)
      const tags = place.items('tags').map(({ value }) => String(value))
      return [{ id, method: method.toUpperCase(), path, tags, item, place, bases: basesOf(root, item, place) }]
    })
  })
}

/** The innermost `servers` count (OpenAPI 3.1 §4.8.10.1); without any, the root. Hosts play no part. */
function basesOf(root: Place, item: Place, operation: Place): string[] {
  const servers = [operation, item, root].map((place) => place.items('servers')).find((list) => list.length > 0)
  return servers ? [...new Set(servers.map(baseOf))] : ['']
}

function baseOf(server: Place): string {
  const variables = new Map(server.members('variables').map(([name, place]) => [name, place.text('default')]))
  const url = (server.text('url') ?? '/').replace(/\{([^{}]*)\}/g, (_, name: string) => {
    const value = variables.get(name)
    if (value === undefined) throw server.wrong(`a server whose variable ${name} has a default`)
    return value
  })
  if (!URL.canParse(url, 'http://host/')) throw server.wrong('a server with a URL')
  return new URL(url, 'http://host/').pathname.replace(/\/$/, '')
}

/** A path template as a pattern of the router. */
export interface Template {
  readonly pattern: string
  /** What the router calls a parameter of the template; undefined where the template has none of this name. */
  captured(name: string): string | undefined
}

/** @throws GatewayError `BAD_OPTION` for a template whose parameters are not whole segments */
export function templateOf({ path, item }: Found): Template {
  const names = new Map<string, string>()
  const segments = path.split('/').map((segment) => {
    const [, name] = /^\{([^{}]+)\}$/.exec(segment) ?? []
    if (name === undefined) {
      // In the router's patterns these would mean something.
      if (/[{}*]|^:/.test(segment))
        throw item.wrong('at a path whose parameters are whole segments, without * and a leading colon')
      return segment
    }
    const own = /^[A-Za-z_]\w*$/.test(name) && name !== '__proto__' ? name : `_${names.size}`
    if (names.has(name)) throw item.wrong('at a path whose parameters have different names')
    names.set(name, own)
    return `:${own}`
  })
  return { pattern: segments.join('/'), captured: (name) => names.get(name) }
}
