import { setTimeout as delay } from 'node:timers/promises'
import type { RawClient, RawReply } from '@gatelet/testing'
import type { Cell, Verdict } from './cell.ts'
import { get } from './requests.ts'

// How long an answer is waited for: the proxies have time limits of 2 s, where they have any.
const LIMIT_MS = 6_000

/** All statuses that came, interim ones too. */
export const statuses = ({ responses }: RawReply): string => responses.map(({ status }) => status).join(' ')

/** One request, which must be answered with one of these statuses. */
export async function status(cell: Cell, request: string, right: readonly number[]): Promise<Verdict> {
  const from = performance.now()
  const reply = await cell.ask(request, LIMIT_MS)
  const seconds = (performance.now() - from) / 1_000
  const final = reply.responses.find(({ status }) => status >= 200 || status === 101)
  if (!final)
    return { isRight: false, seen: reply.closed === 'open' ? `no answer in ${LIMIT_MS / 1_000} s` : 'closed without a status' }
  const isRight = right.includes(final.status)
  return { isRight, seen: seconds < 1 ? `${final.status}` : `${final.status} after ${seconds.toFixed(0)} s` }
}

/** One request that must be refused before the server behind is asked. */
export async function refused(cell: Cell, request: string): Promise<Verdict> {
  const { isRight, seen } = await status(cell, request, [400])
  const line = cell.upstream.connections[0]?.received.toString('latin1').split(' HTTP/')[0]
  return line === undefined ? { isRight, seen } : { isRight: false, seen: `sent as \`${line.replace('GET ', '')}\`` }
}

/** One request whose answer must be broken off, in a way that shows. */
export async function cut(cell: Cell, withinMs: number = LIMIT_MS): Promise<Verdict> {
  const client = await cell.connect()
  const from = performance.now()
  client.write('GET /x HTTP/1.1\r\nHost: a.test\r\n\r\n')
  const closed = await client.left(withinMs).catch(() => undefined)
  const seconds = (performance.now() - from) / 1_000
  const text = client.received.toString('latin1')
  await client[Symbol.asyncDispose]()
  if (!closed) return { isRight: false, seen: `open after ${withinMs / 1_000} s` }
  if (text.endsWith('0\r\n\r\n')) return { isRight: false, seen: 'ended as if it were whole' }
  if (/^HTTP\/1\.1 50[24]/.test(text)) return { isRight: true, seen: text.slice(9, 12) }
  return { isRight: true, seen: seconds < 1 ? 'cut off' : `cut off after ${seconds.toFixed(0)} s` }
}

/** A client that leaves at the end of `until`: the server behind must be let go at once. */
export async function leaves(cell: Cell, request: string, until: (client: RawClient) => Promise<unknown>): Promise<Verdict> {
  {
    await using client = await cell.connect()
    client.write(request)
    await until(client)
  }
  // Ten times what is asked for, on a machine that is busy.
  if (await cell.letsGo(500)) return { isRight: true, seen: 'let go' }
  return { isRight: false, seen: (await cell.letsGo(3_000)) ? 'let go late' : 'upstream held' }
}

/** An upload of 5 MB, whose answer comes early. */
export async function upload(cell: Cell): Promise<Verdict> {
  await using client = await cell.connect()
  client.write('POST /x HTTP/1.1\r\nHost: a.test\r\nContent-Length: 5000000\r\n\r\n')
  let isOver = false
  const answer = client.response().finally(() => (isOver = true))
  for (let sent = 0; sent < 5_000_000 && !isOver; sent += 50_000) {
    client.write(Buffer.alloc(50_000, 'x'))
    await delay(5)
  }
  const response = await answer.catch(() => undefined)
  return { isRight: response?.status === 413, seen: response ? String(response.status) : 'closed without a status' }
}

/** A download that is not read. */
export async function slowReader(cell: Cell): Promise<Verdict> {
  // What a first request costs is not meant.
  for (let asked = 0; asked < 200; asked++) await cell.ask(get([], '/small'))
  const before = cell.residentMb
  const client = await cell.connect()
  client.pause()
  client.write(get())
  let peak = before
  for (let looks = 0; looks < 100; looks++) {
    await delay(20)
    peak = Math.max(peak, cell.residentMb)
  }
  await client[Symbol.asyncDispose]()
  const grown = Math.max(0, peak - before)
  return { isRight: grown < 20, seen: `${grown.toFixed(0)} MB more` }
}
