import { proxy } from '@gatelet/proxy'
import { type Answer, call, type Fault, type Origin, origins } from '@gatelet/testing'
import { expect, test } from 'vitest'
import { ledger } from './support/ledger.ts'

const count = process.env['HEAVY_SHORT'] === '1' ? 500 : 10_000

async function statuses(fault: Fault, method: string, atOnce: number): Promise<{ lost: Answer[]; kinds: readonly string[] }> {
  await using farm = await origins(1, { keepRequests: 1 })
  const origin = farm.servers[0] as Origin
  origin.fault = fault
  const balancer = ledger(farm.urls)
  const handler = proxy(balancer)
  const lost: Answer[] = []
  let left = count
  const client = async () => {
    while (left-- > 0) {
      const reply = await call(handler, { method, ...(method === 'GET' ? {} : { body: 'hello' }) })
      await reply.bytes()
      if (reply.status !== 200) lost.push(reply)
    }
  }
  await Promise.all(Array.from({ length: atOnce }, client))
  await handler.close()
  expect(balancer.open).toBe(0)
  return { lost, kinds: balancer.kinds }
}

test.each([
  ['at its second request', { kind: 'close-on-reuse' }],
  ['at once', { kind: 'close-after-reply' }],
  ['after 1 ms', { kind: 'close-after-reply', afterMs: 1 }],
  ['after 3 ms', { kind: 'close-after-reply', afterMs: 3 }],
] as const)('an upstream that closes each connection %s loses no GET', async (_, fault) => {
  for (const atOnce of [1, 16]) {
    const { lost, kinds } = await statuses(fault, 'GET', atOnce)
    expect(lost).toEqual([])
    expect(kinds).not.toContain('failure')
  }
})

test('a POST is lost only where it was sent into the close, and then it is a 502 that blames nobody', async () => {
  const { lost, kinds } = await statuses({ kind: 'close-after-reply' }, 'POST', 1)
  expect(lost).toEqual([])
  expect(kinds).not.toContain('failure')
  const racing = await statuses({ kind: 'close-after-reply', afterMs: 3 }, 'POST', 16)
  for (const reply of racing.lost) expect(await reply.json()).toMatchObject({ code: 'UPSTREAM_RESET', status: 502 })
  // How many meet the close is for the clock of the machine to say; that the connections are used again is not.
  expect(racing.lost.length).toBeLessThan(count)
  expect(racing.kinds).not.toContain('failure')
})
