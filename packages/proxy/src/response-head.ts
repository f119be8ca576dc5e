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
  const { buffer, byteOffset: start } = first
  const span = last.byteOffset + last.byteLength - start
  if (last.buffer !== buffer || span < 0 || span > MAX_BLOCK) return decodedOneByOne(buffers)
  const block = Buffer.from(buffer, start, span).toString('latin1')
  const texts: string[] = []
  let end = 0
  for (let i = 0; i < buffers.length; i++) {
    const each = buffers[i] as Buffer
    const from = each.byteOffset - start
    if (each.buffer !== buffer || from < end) return decodedOneByOne(buffers)
    end = from + each.byteLength
    texts.push(block.substring(from, end))
  }
  return texts
}

const MAX_BLOCK = 65_536

const decodedOneByOne = (buffers: readonly Buffer[]): string[] => buffers.map((buffer) => buffer.toString('latin1'))
