import type { HeaderList, Reply } from '@gatelet/core'
import { addVary } from '../filters/vary.ts'
import type { Version } from './versions-options.ts'

/** What is written on every reply of one version; undefined where there is nothing to write. */
export function announcement(version: Version, vary: string | undefined): ((reply: Reply) => void) | undefined {
  const fields = fieldsOf(version)
  if (fields.length === 0 && vary === undefined) return undefined
  return ({ headers }) => {
    if (vary !== undefined) addVary(headers, vary)
    for (const [name, value] of fields) add(headers, name, value)
  }
}

function fieldsOf({ deprecated, sunset, link }: Version): [name: string, value: string][] {
  const fields: [name: string, value: string][] = []
  // A date of structured fields (RFC 9651 §3.3.7), in seconds.
  if (deprecated) fields.push(['deprecation', `@${Math.floor(deprecated.getTime() / 1000)}`])
  if (sunset) fields.push(['sunset', sunset.toUTCString()])
  const relations = [...(deprecated ? ['deprecation'] : []), ...(sunset ? ['sunset'] : [])]
  if (link !== undefined && relations.length > 0) fields.push(['link', `<${link}>; rel="${relations.join(' ')}"`])
  return fields
}

function add(headers: HeaderList, name: string, value: string): void {
  if (name === 'link') headers.append(name, value)
  // Whoever stands behind knows better when its own resource ends.
  else if (!headers.has(name)) headers.set(name, value)
}
