/**
 * Whether a header field speaks of one connection only and must not be passed on (RFC 9110 §7.6.1), `Transfer-Encoding`
 * and the proxy credentials among them. Tests the length first: most names are told apart by it alone.
 */
export function isHopByHop(name: string): boolean {
  switch (name.length) {
    case 2:
      return name.toLowerCase() === 'te'
    case 7: {
      const lower = name.toLowerCase()
      return lower === 'trailer' || lower === 'upgrade'
    }
    case 10: {
      const lower = name.toLowerCase()
      return lower === 'connection' || lower === 'keep-alive'
    }
    case 16:
      return name.toLowerCase() === 'proxy-connection'
    case 17:
      return name.toLowerCase() === 'transfer-encoding'
    case 18:
      return name.toLowerCase() === 'proxy-authenticate'
    case 19:
      return name.toLowerCase() === 'proxy-authorization'
    default:
      return false
  }
}

/**
 * The names, lower case, that a `Connection` field nominates as belonging to this connection only. Undefined when there
 * are none but `close` and `keep-alive`, which is nearly always.
 *
 * `host`, `content-length` and the like cannot be nominated away: they frame or address the message. Nor can what the
 * proxies on the way said of it: a client would take away what tells who it is.
 */
export function nominated(connection: string): ReadonlySet<string> | undefined {
  if (isPlain(connection)) return undefined
  const names = new Set<string>()
  for (const part of connection.split(',')) {
    const name = part.trim().toLowerCase()
    if (name !== '' && name !== 'close' && name !== 'keep-alive' && !essential.has(name)) names.add(name)
  }
  return names.size > 0 ? names : undefined
}

/**
 * A request's header fields without those that its `Connection` nominates, and with a `Connection` that no longer
 * nominates any. For adapters, before the first layer sees the request: dropped later, a client could strip what layers
 * assert. The list itself when there is nothing to drop, which is nearly always.
 * @param raw flat: name, value, name, value, …
 */
export function withoutNominated(raw: string[]): string[] {
  let names: Set<string> | undefined
  for (let i = 0; i < raw.length; i += 2) {
    const more = isConnection(raw[i] as string) ? nominated(raw[i + 1] as string) : undefined
    if (!more) continue
    names ??= new Set()
    for (const name of more) names.add(name)
  }
  if (!names) return raw
  const kept: string[] = []
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (isConnection(name)) kept.push(name, plainOptions(raw[i + 1] as string))
    else if (!names.has(name.toLowerCase()) || isHopByHop(name)) kept.push(name, raw[i + 1] as string)
  }
  return kept
}

const isConnection = (name: string): boolean => name.length === 10 && name.toLowerCase() === 'connection'

// What is left when the nominations are done: how the connection goes on, and what is known to belong to it anyway.
function plainOptions(connection: string): string {
  const options = connection.split(',').map((part) => part.trim())
  return options.filter((option) => /^(close|keep-alive)$/i.test(option) || isHopByHop(option)).join(', ')
}

const essential: ReadonlySet<string> = new Set([
  ...['host', 'content-length', 'content-type', 'content-encoding', 'date', 'via', 'forwarded'],
  ...['x-forwarded-for', 'x-forwarded-proto', 'x-forwarded-host', 'x-forwarded-port', 'x-real-ip'],
])

function isPlain(connection: string): boolean {
  if (connection.length === 5) return connection.toLowerCase() === 'close'
  return connection.length === 10 && connection.toLowerCase() === 'keep-alive'
}
