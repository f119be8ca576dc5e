import { channel } from 'node:diagnostics_channel'
import { type Endpoint, isHeard, publish, subscribe } from '@gatelet/core'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { warnings } from './warnings.ts'

const endpoint: Endpoint = { id: 'a', weight: 1, inflight: 0, metadata: {} }
const event = { endpoint, change: 'added' } as const

describe('an event', () => {
  test('reaches everybody who listens, as the same object', () => {
    const [first, second] = [vi.fn(), vi.fn()]
    onTestFinished(subscribe('endpoint:changed', first))
    onTestFinished(subscribe('endpoint:changed', second))
    publish('endpoint:changed', event)
    expect(first.mock.calls).toEqual([[event]])
    expect(second.mock.calls[0]?.[0]).toBe(event)
  })

  test('reaches nobody of another name, and nobody who left', () => {
    const [other, gone] = [vi.fn(), vi.fn()]
    onTestFinished(subscribe('request:failed', other))
    const undo = subscribe('endpoint:changed', gone)
    undo()
    undo()
    publish('endpoint:changed', event)
    expect([other, gone].map((listener) => listener.mock.calls)).toEqual([[], []])
  })

  test('says whether anybody listens', () => {
    expect(isHeard('endpoint:changed')).toBe(false)
    const undo = subscribe('endpoint:changed', () => {})
    expect(isHeard('endpoint:changed')).toBe(true)
    undo()
    expect(isHeard('endpoint:changed')).toBe(false)
    expect(() => publish('endpoint:changed', event)).not.toThrow()
  })

  test('is on a channel of the platform, so that others hear it without us', () => {
    const listener = vi.fn()
    const plain = channel('gatelet:endpoint:changed')
    plain.subscribe(listener)
    onTestFinished(() => void plain.unsubscribe(listener))
    publish('endpoint:changed', event)
    expect(listener).toHaveBeenCalledWith(event, 'gatelet:endpoint:changed')
  })
})

describe('a listener that throws', () => {
  test('ends no process and keeps no other from hearing', async () => {
    const told = warnings()
    const last = vi.fn()
    onTestFinished(
      subscribe('endpoint:changed', () => {
        throw new Error('bad listener')
      }),
    )
    onTestFinished(subscribe('endpoint:changed', () => Promise.reject('bad promise')))
    onTestFinished(subscribe('endpoint:changed', last))
    publish('endpoint:changed', event)
    await new Promise((resolve) => setImmediate(resolve))
    expect(last).toHaveBeenCalledTimes(1)
    expect(told).toEqual([
      'a listener of gatelet:endpoint:changed threw: Error: bad listener',
      'a listener of gatelet:endpoint:changed threw: Error: bad promise',
    ])
  })
})
