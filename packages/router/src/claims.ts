import { GatewayError } from '@gatelet/core'
import { hostText } from './host.ts'
import type { Where } from './route.ts'

/** What the routes of a table have taken, so that two which no request could tell apart are refused. */
export class Claims {
  private readonly taken = new Map<string, string>()

  /**
   * @param owner the function that adds the route, and `field` its option, for the message
   * @throws GatewayError `BAD_OPTION` when another route matches the same requests with the same precedence
   */
  add(where: Where, owner: string, field: string): void {
    const claims = claimsOf(where)
    for (const [claim, name] of claims) {
      const other = this.taken.get(claim)
      if (other === undefined) continue
      const message = `${owner}: ${field} must differ in more than names: ${name} matches the same requests as ${other}`
      throw new GatewayError('BAD_OPTION', { path: field, message })
    }
    for (const [claim, name] of claims) this.taken.set(claim, name)
  }
}

function claimsOf({ method, host, path }: Where): [claim: string, name: string][] {
  // No segment of a pattern is `:` or `*` by itself, so these can stand for what matches anything.
  const shape = [...path.segments.map((segment) => segment ?? ':'), ...(path.isPrefix ? ['*'] : [])].join('/')
  const at = hostText(host)
  return (method ?? ['any']).map((name) => [`${name} ${at}/${shape}`, `${name} ${at}${path.text}`])
}
