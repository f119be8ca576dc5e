import { createBalancer, type ManagedBalancer, type ShareChannel, type ShareOptions, shareAcrossWorkers } from '@gatelet/balancer'
import { virtualClock } from '@gatelet/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { failTimes, named, viewOf } from '../fakes.ts'

/** Connects everybody, through JSON as a real channel does. Whoever is cut off hears and says nothing. */
function hub() {
  const listeners = new Map<number, (message: unknown) => void>()
  const cutOff = new Set<number>()
  let sent = 0
  const channel = (own: number): ShareChannel => ({
    send(message) {
      sent++
      if (cutOff.has(own)) throw new Error('the channel is lost')
      for (const [other, listener] of listeners)
        if (other !== own && !cutOff.has(other)) listener(JSON.parse(JSON.stringify(message)))
    },
    onMessage(listener) {
      listeners.set(own, listener)
      return () => listeners.delete(own)
    },
  })
  const shout = (message: unknown) => {
    for (const listener of listeners.values()) listener(message)
  }
  return { channel, cutOff, shout, listeners, sent: () => sent }
}

function processes(count: number, ids = 'abc', options: ShareOptions = {}) {
  const clock = virtualClock()
  const wires = hub()
  const checks = new Array<number>(count).fill(0)
  const down = new Set<string>()
  const start = (at: number) => {
    const check = ({ id }: { id: string }) => {
      checks[at] = (checks[at] ?? 0) + 1
      return !down.has(id)
    }
    const health = { type: 'call', check, jitter: 0 } as const
    const balancer = createBalancer({ endpoints: [...ids].map((id) => named(id)), clock, health })
    const share = shareAcrossWorkers(balancer, { channel: wires.channel(at), clock, ...options })
    onTestFinished(async () => {
      share.close()
      await balancer.close()
    })
    return { balancer, share }
  }
  const all = Array.from({ length: count }, (_, at) => start(at))
  const balancers = all.map(({ balancer }) => balancer)
  return { clock, wires, checks, down, start, all, balancers, first: balancers[0] as ManagedBalancer }
}

const states = (balancers: readonly ManagedBalancer[], id: string) => balancers.map((balancer) => viewOf(balancer, id).state)

describe('told to all', () => {
  test('an ejection, for as long as it lasts', async () => {
    const { balancers, first, clock } = processes(3)
    await clock.advance(10)
    failTimes(first, 5, 'a')
    expect(states(balancers, 'a')).toEqual(['ejected', 'ejected', 'ejected'])
    expect(balancers.map((balancer) => viewOf(balancer, 'a').ejectedUntil)).toEqual([30_010, 30_010, 30_010])
    expect(viewOf(balancers[1] as ManagedBalancer, 'a').reason).toBe('5 failures in a row (seen by another process)')
  })

  test('weights and drains that are set by hand, the last one everywhere', async () => {
    const { balancers, first, clock } = processes(3)
    await clock.advance(10)
    first.setWeight('a', 7)
    void balancers[1]?.drain('b')
    balancers[2]?.setWeight('a', 9)
    expect(balancers.map((balancer) => viewOf(balancer, 'a').fullWeight)).toEqual([9, 9, 9])
    expect(states(balancers, 'b')).toEqual(['draining', 'draining', 'draining'])
  })

  test('what was known before one joined, also of an endpoint that it comes to know later', async () => {
    const { start, first, clock } = processes(2)
    await clock.advance(10)
    first.setWeight('a', 7)
    first.add(named('late'))
    first.setWeight('late', 5)
    failTimes(first, 5, 'b')
    const { balancer } = start(2)
    expect(viewOf(balancer, 'a').fullWeight).toBe(7)
    expect(viewOf(balancer, 'b').state).toBe('ejected')
    balancer.add(named('late'))
    expect(viewOf(balancer, 'late').fullWeight).toBe(5)
  })

  test('nothing twice: what was heard is not told again', async () => {
    const { wires, first, clock } = processes(4)
    await clock.advance(10)
    const before = wires.sent()
    first.setWeight('a', 7)
    failTimes(first, 5, 'b')
    expect(wires.sent() - before).toBe(2)
  })

  test('nothing of another balancer', async () => {
    const { balancers, first, clock, wires } = processes(2)
    await clock.advance(10)
    const other = createBalancer({ endpoints: [named('a'), named('b')], clock })
    const share = shareAcrossWorkers(other, { name: 'other', channel: wires.channel(9), clock })
    onTestFinished(() => share.close())
    failTimes(other, 5, 'a')
    first.setWeight('b', 4)
    expect(states(balancers, 'a')).toEqual(['active', 'active'])
    expect(viewOf(other, 'b').fullWeight).toBe(1)
  })
})

describe('each still decides', () => {
  test('never to eject its last endpoint', async () => {
    const { balancers, clock } = processes(2, 'ab')
    await clock.advance(10)
    failTimes(balancers[0] as ManagedBalancer, 5, 'a')
    failTimes(balancers[1] as ManagedBalancer, 20, 'b')
    for (const balancer of balancers) expect(balancer.endpoints.some(({ state }) => state === 'active')).toBe(true)
  })

  test('not to believe what makes no sense', async () => {
    const { balancers, wires, clock } = processes(2)
    await clock.advance(10)
    const facts = [
      null,
      7,
      { what: 'weight', id: 'a', weight: -1, revision: 1 },
      { what: 'ejected', id: 'a', forMs: 'x', reason: 'x' },
      { what: 'ejected', id: 'a', forMs: 1, reason: '' },
      { what: 'ejected', id: 'a', forMs: Number.NaN, reason: 'x' },
      { what: 'health', id: 'a', passed: 'no', reason: '' },
    ]
    for (const message of [
      null,
      'x',
      7,
      {},
      { balancer: 'default', from: 'x', kind: 'facts' },
      { balancer: 'default', from: 'x', kind: 'facts', facts },
    ])
      wires.shout(message)
    expect(states(balancers, 'a')).toEqual(['active', 'active'])
  })
})

describe('active checks', () => {
  test('run in one process; the others know what it finds', async () => {
    const { balancers, all, checks, down, clock } = processes(3)
    await clock.advance(10)
    expect(all.filter(({ share }) => share.isChecking)).toHaveLength(1)
    const before = [...checks]
    down.add('a')
    await clock.advance(20_000)
    expect(checks.filter((count, at) => count > (before[at] as number))).toHaveLength(1)
    expect(states(balancers, 'a')).toEqual(['unhealthy', 'unhealthy', 'unhealthy'])
    down.clear()
    await clock.advance(20_000)
    expect(states(balancers, 'a')).toEqual(['active', 'active', 'active'])
  })

  test('what was found before sharing began is told as well', async () => {
    const clock = virtualClock()
    const wires = hub()
    const begun = async (at: number, check: () => boolean) => {
      const health = { type: 'call', check, jitter: 0 } as const
      const balancer = createBalancer({ endpoints: [named('a'), named('b')], clock, health })
      await clock.advance(10)
      const share = shareAcrossWorkers(balancer, { channel: wires.channel(at), clock })
      onTestFinished(() => share.close())
      return { balancer, share }
    }
    const both = [await begun(0, () => false), await begun(1, () => true)]
    await clock.advance(10)
    const leader = both.findIndex(({ share }) => share.isChecking)
    expect(both.map(({ balancer }) => viewOf(balancer, 'a').health)).toEqual(
      new Array(2).fill(leader === 0 ? 'unhealthy' : 'healthy'),
    )
  })

  test('of one that dies in the middle leave nobody behind: what it told holds until the next one knows better', async () => {
    const { all, wires, balancers, clock, down } = processes(3)
    await clock.advance(10)
    const died = all.findIndex(({ share }) => share.isChecking)
    const others = balancers.filter((_, at) => at !== died)
    down.add('a')
    await clock.advance(8_000)
    expect(states(others, 'a')).toEqual(['unhealthy', 'unhealthy'])
    // Without a word, as the kernel ends a process.
    wires.cutOff.add(died)
    await balancers[died]?.close()
    await clock.advance(1_000)
    expect(states(others, 'a')).toEqual(['unhealthy', 'unhealthy'])
    expect(all.filter(({ share }, at) => at !== died && share.isChecking)).toEqual([])
    down.clear()
    await clock.advance(10_000)
    expect(all.filter(({ share }, at) => at !== died && share.isChecking)).toHaveLength(1)
    expect(states(others, 'a')).toEqual(['active', 'active'])
  })

  test('are taken over when that one leaves, or is not heard of any more', async () => {
    const { all, wires, balancers, clock, down } = processes(3)
    await clock.advance(10)
    const leader = () => all.findIndex(({ share }) => share.isChecking)
    const first = leader()
    wires.cutOff.add(first)
    await clock.advance(5_000)
    expect(all.filter(({ share }) => share.isChecking)).toHaveLength(2)
    down.add('a')
    await clock.advance(20_000)
    expect(states(balancers, 'a')).toEqual(['unhealthy', 'unhealthy', 'unhealthy'])
    wires.cutOff.clear()
    await clock.advance(2_000)
    expect(all.filter(({ share }) => share.isChecking)).toHaveLength(1)
    all[leader()]?.share.close()
    await clock.advance(10)
    expect(all.filter(({ share }) => share.isChecking).length).toBeGreaterThanOrEqual(1)
  })

  test('run in each, if that is asked for', async () => {
    const { checks, clock } = processes(3, 'a', { checks: 'each' })
    await clock.advance(20_000)
    expect(checks).toEqual([5, 5, 5])
  })
})

test('a process whose channel is lost goes on alone', async () => {
  const { balancers, wires, all, clock, first } = processes(2)
  await clock.advance(10)
  wires.cutOff.add(0)
  failTimes(first, 5, 'a')
  await clock.advance(5_000)
  expect(viewOf(balancers[1] as ManagedBalancer, 'a').state).toBe('active')
  expect(all.map(({ share }) => [share.peers, share.isChecking])).toEqual([
    [0, true],
    [0, true],
  ])
})

test('closing leaves no timer and no listener', async () => {
  const { all, balancers, clock, wires } = processes(2)
  await clock.advance(10)
  for (const { share } of all) share.close()
  for (const balancer of balancers) await balancer.close()
  expect([clock.pending, wires.listeners.size]).toEqual([0, 0])
})

test('alone in a process that is no worker it does no harm', () => {
  const balancer = createBalancer({ endpoints: [named('a'), named('b')] })
  const share = shareAcrossWorkers(balancer)
  failTimes(balancer, 5, 'a')
  expect([share.peers, share.isChecking]).toEqual([0, true])
  share.close()
})
