import { HeaderList, type Source, tee } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Basin, bytes, drain, tap } from './flows.ts'

function branches(onStart?: Parameters<typeof tap>[0]) {
  const { source, told } = tap(onStart)
  const [left, right] = tee(source) as [Source, Source]
  return { source, told, left, right }
}

test('what needs no stream is simply given twice', () => {
  const list = bytes('x')
  expect(tee(null)).toEqual([null, null])
  expect(tee('x')).toEqual(['x', 'x'])
  expect(tee(list)).toEqual([list, list])
})

test('both branches get the same, trailers included', () => {
  const { source, left, right } = branches()
  const readers = [drain(left), drain(right)]
  source.push(bytes('a'))
  source.push(bytes('b'))
  source.end(new HeaderList({ status: '0' }))
  for (const { basin } of readers) expect(basin.got).toEqual(['a', 'b', 'end: status=0'])
})

test('both know the length where it was known', () => {
  const { source } = tap()
  source.length = 7
  const [left, right] = tee(source) as [Source, Source]
  expect([left.length, right.length]).toEqual([7, 7])
})

describe('connects', () => {
  test('when the first branch is read, not before', () => {
    const { told, left } = branches()
    expect(told).toEqual([])
    drain(left)
    expect(told).toEqual(['start'])
  })

  test('once', () => {
    const { told, left, right } = branches((source) => {
      source.push(bytes('a'))
      source.end()
    })
    expect(drain(left).basin.got).toEqual(['a', 'end'])
    expect(drain(right).basin.got).toEqual(['a', 'end'])
    expect(told).toEqual(['start'])
  })

  test('a branch that is read later gets everything from the beginning', () => {
    const { source, left, right } = branches()
    drain(left)
    source.push(bytes('a'))
    source.push(bytes('b'))
    const { basin } = drain(right)
    source.push(bytes('c'))
    expect(basin.got).toEqual(['a', 'b', 'c'])
  })
})

describe('the slower branch sets the pace', () => {
  test.each([
    [true, false],
    [false, true],
    [true, true],
  ])('when the left is full: %s, and the right: %s', (leftFull, rightFull) => {
    const { source, told, left, right } = branches()
    const readers = [drain(left, { isFull: leftFull }), drain(right, { isFull: rightFull })]
    expect(source.push(bytes('a'))).toBe(false)
    const waiting = readers.filter(({ basin }) => basin.isFull)
    for (const { flow } of waiting.slice(1)) flow.resume()
    expect(told).not.toContain('resume')
    waiting[0]?.flow.resume()
    expect(told).toEqual(['start', 'resume'])
  })

  test('a branch that nobody reads holds 8 chunks, then stops both', () => {
    const { source, left } = branches()
    const { basin } = drain(left)
    const room = Array.from('abcdefgh', (char) => source.push(bytes(char)))
    expect(room).toEqual([true, true, true, true, true, true, true, false])
    expect(basin.got).toEqual([...'abcdefgh'])
  })

  test('read at last, it lets both go on', () => {
    const { source, told, left, right } = branches()
    drain(left)
    for (const char of 'abcdefgh') source.push(bytes(char))
    expect(drain(right).basin.got).toEqual([...'abcdefgh'])
    expect(told).toEqual(['start', 'resume'])
  })

  test('a branch pauses both, and resumes both', () => {
    const { told, left, right } = branches()
    const { flow } = drain(left)
    drain(right)
    flow.pause()
    flow.resume()
    expect(told).toEqual(['start', 'pause', 'resume'])
  })
})

test('a branch that was paused is waited for, when the other has room again', () => {
  const { source, told, left, right } = branches()
  const paused = drain(left)
  const full = drain(right, { isFull: true })
  paused.flow.pause()
  source.push(bytes('a'))
  full.flow.resume()
  expect(told).not.toContain('resume')
  paused.flow.resume()
  expect(told).toContain('resume')
})

describe('a cancelled branch', () => {
  test('stops counting', () => {
    const { source, told, left, right } = branches()
    const { basin } = drain(left)
    right.cancel()
    for (const char of 'abcdefghij') expect(source.push(bytes(char))).toBe(true)
    expect(basin.got).toEqual([...'abcdefghij'])
    expect(told).toEqual(['start'])
  })

  test('lets the other go on when it was what stopped it', () => {
    const { source, told, left, right } = branches()
    drain(left)
    for (const char of 'abcdefgh') source.push(bytes(char))
    right.cancel()
    expect(told).toEqual(['start', 'resume'])
    expect(source.push(bytes('i'))).toBe(true)
  })

  test('leaves the other stopped when that is full itself', () => {
    const { source, told, left, right } = branches()
    const reader = drain(left, { isFull: true })
    source.push(bytes('a'))
    right.cancel()
    expect(told).toEqual(['start'])
    reader.flow.resume()
    expect(told).toEqual(['start', 'resume'])
  })

  test.each(['left', 'right'] as const)(
    'cancelled by its own full reader in the middle of a write, the %s lets the other go on',
    (side) => {
      const { source, left, right } = branches()
      const [quitter, stayer] = side === 'left' ? [left, right] : [right, left]
      drain(quitter, { isFull: true, onWrite: () => quitter.cancel() })
      const { basin } = drain(stayer)
      expect(source.push(bytes('a'))).toBe(true)
      expect(source.push(bytes('b'))).toBe(true)
      expect(basin.got).toEqual(['a', 'b'])
    },
  )

  test('cancelled by the reader of the other in the middle of a write, does not hold that up', () => {
    const { source, left, right } = branches()
    drain(left, { isFull: true })
    const { basin } = drain(right, { onWrite: () => left.cancel() })
    expect(source.push(bytes('a'))).toBe(true)
    source.end()
    expect(basin.got).toEqual(['a', 'end'])
  })

  test('before anybody reads does not start anything', () => {
    const { told, left, right } = branches()
    left.cancel()
    expect(told).toEqual([])
    right.cancel(new Error('nobody'))
    expect(told).toEqual(['cancel: nobody'])
  })

  test('and the other too cancel what they come from, once', () => {
    const { told, left, right } = branches()
    drain(left)
    drain(right)
    left.cancel()
    right.cancel()
    right.cancel()
    expect(told).toEqual(['start', 'cancel'])
  })
})

describe('an error', () => {
  test('before connecting reaches both', () => {
    const { source, left, right } = branches()
    source.push(bytes('a'))
    source.fail(new Error('broken'))
    for (const branch of [left, right]) expect(drain(branch).basin.got).toEqual(['a', 'fail: broken'])
  })

  test('after connecting reaches both, also the one that is not read yet', () => {
    const { source, left, right } = branches()
    const { basin } = drain(left)
    source.push(bytes('a'))
    source.fail(new Error('broken'))
    expect(basin.got).toEqual(['a', 'fail: broken'])
    expect(drain(right).basin.got).toEqual(['a', 'fail: broken'])
  })

  test('of a body that was used already reaches both, so that neither waits for ever', () => {
    const { source, left, right } = branches()
    drain(source)
    for (const branch of [left, right]) expect(drain(branch).basin.got).toEqual(['fail: A body was read twice'])
  })
})

test('a tee of a tee works', () => {
  const { source, left, right } = branches()
  const [first, second] = tee(left) as [Source, Source]
  const readers = [drain(first), drain(right), drain(second, { isFull: true })]
  expect(source.push(bytes('a'))).toBe(false)
  second.cancel()
  expect(source.push(bytes('b'))).toBe(true)
  source.end()
  expect(readers.map(({ basin }) => basin.got)).toEqual([['a', 'b', 'end'], ['a', 'b', 'end'], ['a']])
})

test('whatever two readers do, each that stays gets everything, and nobody waits for one that left', () => {
  const step = fc.tuple(fc.constantFrom(0, 1), fc.constantFrom('read', 'fill', 'empty', 'cancel', 'send', 'send', 'send'))
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { source, told, left, right } = branches()
      const sides = [left, right].map((branch) => ({ branch, basin: new Basin(), isRead: false, isCancelled: false }))
      const read = (side: (typeof sides)[number]) => {
        if (side.isRead || side.isCancelled) return
        side.isRead = true
        side.branch.pipeTo(side.basin)
      }
      const sent: string[] = []
      let hasRoom = true
      const send = () => {
        hasRoom = source.push(bytes(String(sent.length)))
        sent.push(String(sent.length))
      }
      for (const [at, action] of steps) {
        const side = sides[at] as (typeof sides)[number]
        const resumes = told.filter((word) => word === 'resume').length
        if (action === 'read') read(side)
        if (action === 'fill') side.basin.isFull = true
        if (action === 'empty') {
          side.basin.isFull = false
          if (side.isRead && !side.isCancelled) (side.branch as Source & { resume(): void }).resume()
        }
        if (action === 'cancel' && !sides.some((other) => other.isCancelled)) {
          side.isCancelled = true
          side.branch.cancel()
        }
        if (told.filter((word) => word === 'resume').length > resumes) hasRoom = true
        // A producer that keeps to the rules: it waits when it was told to.
        if (action === 'send' && hasRoom) send()
      }
      for (const side of sides) {
        side.basin.isFull = false
        read(side)
        if (!side.isCancelled) (side.branch as Source & { resume(): void }).resume()
      }
      const before = sent.length
      send()
      expect(hasRoom).toBe(true)
      expect(sent.length).toBe(before + 1)
      source.end()
      for (const { basin, isCancelled } of sides) if (!isCancelled) expect(basin.got).toEqual([...sent, 'end'])
    }),
    { seed: 20_26, numRuns: 1_000 },
  )
})
