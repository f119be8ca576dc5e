import type { HeaderList } from '@gatelet/core'

/**
 * Adds names of request header fields to `Vary` (RFC 9110 §12.5.5), in one line and each once. `Vary: *` says more already and
 * stays.
 */
export function addVary(headers: HeaderList, ...names: readonly string[]): void {
  const before = headers.get('vary')
  const known = before?.split(',').map((name) => name.trim().toLowerCase()) ?? []
  if (known.includes('*')) return
  const fresh = names.filter((name) => !known.includes(name.toLowerCase()))
  if (fresh.length === 0) return
  headers.set('vary', before ? `${before}, ${fresh.join(', ')}` : fresh.join(', '))
}
