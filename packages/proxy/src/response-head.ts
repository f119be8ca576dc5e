import { GatewayError } from '@gatelet/core'

/** The status, if HTTP knows such. @throws GatewayError `UPSTREAM_BAD_RESPONSE`, also for an upgrade that nobody asked for */
export function checkedStatus(status: number): number {
  if (status < 100 || status > 599 || status === 101)
    throw new GatewayError('UPSTREAM_BAD_RESPONSE', { message: `the upstream answered with status ${status}` })
  return status
}

/** What a flat list says of the length of the body. */
export function lengthIn(raw: readonly string[]): number | undefined {
  for (let i = 0; i < raw.length; i += 2) {
    const name = raw[i] as string
    if (name.length === 14 && name.toLowerCase() === 'content-length') return Number(raw[i + 1])
  }
  return undefined
}

/**
 * Turns the buffers of undici's parser into text. They normally lie one behind the other in the chunk that was read:
 * then one call decodes them all.
 */
export function decoded(buffers: readonly Buffer[]): string[] {
  const first = buffers[0]
  const last = buffers[buffers.length - 1]
  if (!first || !last) return []
  const start = first.byteOffset
  const span = last.byteOffset + last.byteLength - start
  const texts: string[] = new Array(buffers.length)
  if (!liesInOrder(buffers) || span > MAX_BLOCK) {
    for (let i = 0; i < buffers.length; i++) texts[i] = (buffers[i] as Buffer).toString('latin1')
    return texts
  }
  const block = Buffer.from(first.buffer, start, span).toString('latin1')
  for (let i = 0; i < buffers.length; i++) {
    const buffer = buffers[i] as Buffer
    const from = buffer.byteOffset - start
    texts[i] = block.substring(from, from + buffer.byteLength)
  }
  return texts
}

const MAX_BLOCK = 65_536

function liesInOrder(buffers: readonly Buffer[]): boolean {
  const { buffer } = buffers[0] as Buffer
  let end = 0
  for (let i = 0; i < buffers.length; i++) {
    const each = buffers[i] as Buffer
    if (each.buffer !== buffer || each.byteOffset < end) return false
    end = each.byteOffset + each.byteLength
  }
  return true
}
