import { GatewayError } from '@gatelet/core'
import { hostText } from './host.ts'
import type { FieldCondition } from './match/conditions.ts'
import { Conflicts, conflictText } from './match/conflicts.ts'
import { type Place, pathText } from './route.ts'

/** What the routes of a table have taken, so that two which no request could tell apart are refused. */
export class Claims {
  private readonly taken = new Map<string, string>()
  private readonly conflicts: Conflicts | undefined

  /** @param strict whether routes that conflict are refused as well */
  constructor(strict: boolean) {
    this.conflicts = strict ? new Conflicts() : undefined
  }

  /**
   * @param owner the function that adds the route, and `field` its option, for the message
   * @throws GatewayError `BAD_OPTION` when another route matches the same requests with the same precedence, or conflicts
   */
  add(place: Place, owner: string, field: string): void {
    const claims = claimsOf(place)
    for (const [claim, name] of claims) {
      const other = this.taken.get(claim)
      if (other === undefined) continue
      const message = `${owner}: ${field} must differ in more than names: ${name} matches the same requests as ${other}`
      throw new GatewayError('BAD_OPTION', { path: field, message })
    }
    const conflict = this.conflicts?.add(place)[0]
    if (conflict) {
      this.conflicts?.remove(place)
      throw new GatewayError('BAD_OPTION', { path: field, message: `${owner}: ${field} conflicts: ${conflictText(conflict)}` })
    }
    for (const [claim, name] of claims) this.taken.set(claim, name)
  }
}

/** The same text for places that take the same requests with the same precedence, whatever their parameters are called. */
export function claimOf(place: Place): string {
  return JSON.stringify(
    claimsOf(place)
      .map(([claim]) => claim)
      .sort(),
  )
}

function claimsOf(place: Place): [claim: string, name: string][] {
  const { method = ['any'], hosts, path, rest, tenants = [null], headers, query, priority } = place
  const shape = path.segments.map((segment, at) => segment ?? [path.params.find((param) => param.at === at)?.constraint?.id])
  const others = JSON.stringify([shape, path.isPrefix, rest?.id, idsOf(headers), idsOf(query), priority])
  const names = hosts.length > 0 ? hosts.map(hostText) : ['']
  return method.flatMap((verb) =>
    names.flatMap((host) => {
      const text = `${verb} ${host}${pathText(place)}`
      return tenants.map((tenant): [string, string] => [JSON.stringify([verb, host, tenant]) + others, text])
    }),
  )
}

const idsOf = (conditions: readonly FieldCondition[]) =>
  conditions.map(({ name, matcher }) => JSON.stringify([name, matcher?.id])).sort()
