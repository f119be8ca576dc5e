import { HeaderList, type PushSource } from '@gatelet/core'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Basin, bytes, drain, tap } from './flows.ts'
import { thrown } from './thrown.ts'

describe('before anybody reads', () => {
  test('holds what is pushed, in order, and says so when 8 chunks are there', () => {
    const { source, told } = tap()
    const room = Array.from('abcdefgh', (char) => source.push(bytes(char)))
    expect(room).toEqual([true, true, true, true, true, true, true, false])
    expect(told).toEqual([])
    expect(drain(source).basin.got).toEqual([...'abcdefgh'])
    expect(told).toEqual(['start', 'resume'])
  })

  test('is full at 64 KiB', () => {
    const { source } = tap()
    expect(source.push(Buffer.alloc(65_535))).toBe(true)
    expect(source.push(Buffer.alloc(1))).toBe(false)
  })

  test('takes one chunk of any size, and is full then', () => {
    expect(tap().source.push(Buffer.alloc(1_000_000))).toBe(false)
  })

  test('does not start what it comes from', () => {
    const { source, told } = tap()
    expect(source.take()).toBeUndefined()
    expect(source.isOver).toBe(false)
    expect(told).toEqual([])
  })

  test.each<[string, (source: PushSource) => void, string[]]>([
    ['an end', (source) => source.end(), ['a', 'end']],
    ['an end with trailers', (source) => source.end(new HeaderList({ status: '0' })), ['a', 'end: status=0']],
    ['a failure', (source) => source.fail(new Error('broken')), ['a', 'fail: broken']],
  ])('keeps %s for the reader, behind what was pushed', (_, finish, got) => {
    const { source, told } = tap()
    source.push(bytes('a'))
    finish(source)
    expect(source.isOver).toBe(true)
    expect(drain(source).basin.got).toEqual(got)
    expect(told).toEqual([])
  })

  test('cancelled, it drops what it holds and tells the producer once', () => {
    const { source, told } = tap()
    source.push(bytes('a'))
    source.cancel(new Error('nobody wants it'))
    source.cancel()
    expect(source.isOver).toBe(true)
    for (let late = 0; late < 20; late++) expect(source.push(bytes('late'))).toBe(true)
    source.end()
    source.fail(new Error('late'))
    expect(told).toEqual(['cancel: nobody wants it'])
    expect(source.take()).toBeUndefined()
    expect(thrown(() => source.pipeTo(new Basin())).code).toBe('BODY_USED')
  })

  test('cancelled after its end, it tells nobody', () => {
    const { source, told } = tap()
    source.end()
    source.cancel()
    expect(told).toEqual([])
  })
})

describe('while it is read', () => {
  test('passes each chunk on at once', () => {
    const { source } = tap()
    const { basin } = drain(source)
    expect(source.push(bytes('a'))).toBe(true)
    expect(basin.got).toEqual(['a'])
    source.end(new HeaderList({ status: '0' }))
    expect(basin.got).toEqual(['a', 'end: status=0'])
  })

  test('starts its producer once, and passes on what that pushes at once', () => {
    const { source, told } = tap((source) => {
      source.push(bytes('a'))
      source.push(bytes('b'))
      source.end()
    })
    expect(drain(source).basin.got).toEqual(['a', 'b', 'end'])
    expect(told).toEqual(['start'])
  })

  test('a full reader is told of to the producer, until it has room', () => {
    const { source, told } = tap()
    const { flow } = drain(source, { isFull: true })
    expect(source.push(bytes('a'))).toBe(false)
    expect(told).toEqual(['start'])
    flow.resume()
    flow.resume()
    expect(told).toEqual(['start', 'resume'])
  })

  test('a reader that was full at the last held chunk pauses the producer', () => {
    const { source, told } = tap()
    source.push(bytes('a'))
    const { flow } = drain(source, { isFull: true })
    expect(told).toEqual(['start', 'pause'])
    flow.resume()
    expect(told).toEqual(['start', 'pause', 'resume'])
  })

  test('a reader pauses and resumes it', () => {
    const { source, told } = tap()
    const { flow } = drain(source)
    flow.pause()
    flow.pause()
    expect(source.push(bytes('sent before the pause was heard of'))).toBe(false)
    flow.resume()
    expect(source.push(bytes('b'))).toBe(true)
    expect(told).toEqual(['start', 'pause', 'resume'])
  })

  test('after the end there is nothing to pause, resume or cancel', () => {
    const { source, told } = tap()
    const { flow, basin } = drain(source)
    source.end()
    source.end()
    source.fail(new Error('late'))
    source.push(bytes('late'))
    flow.pause()
    flow.resume()
    source.cancel()
    expect(told).toEqual(['start'])
    expect(basin.got).toEqual(['end'])
  })

  test('an error reaches the reader', () => {
    const { source } = tap()
    const { basin } = drain(source)
    source.push(bytes('a'))
    source.fail(new Error('broken'))
    expect(basin.got).toEqual(['a', 'fail: broken'])
  })

  test('an error that the producer throws at its start reaches the reader', () => {
    const { source } = tap((source) => {
      source.push(bytes('a'))
      throw new Error('no such thing')
    })
    expect(drain(source).basin.got).toEqual(['a', 'fail: no such thing'])
    for (const [odd, message] of [
      ['a string', 'a string'],
      [Object.create(null), '[Object: null prototype] {}'],
      [undefined, 'undefined'],
    ]) {
      const { source } = tap(() => {
        throw odd
      })
      expect(drain(source).basin.got).toEqual([`fail: ${message}`])
    }
  })

  test('cancelled in the middle of a write, it sends no more', () => {
    const { source, told } = tap()
    source.push(bytes('a'))
    source.push(bytes('b'))
    const { basin } = drain(source, { onWrite: () => source.cancel() })
    source.end()
    expect(basin.got).toEqual(['a'])
    expect(told).toEqual(['start', 'cancel'])
  })

  test('can be read once', () => {
    const { source } = tap()
    drain(source)
    expect(thrown(() => drain(source)).code).toBe('BODY_USED')
    source.end()
    expect(thrown(() => source.take()).code).toBe('BODY_USED')
  })
})

describe('a reader that makes the producer push while it is served', () => {
  test('gets what was held first', () => {
    const { source } = tap()
    for (const char of 'abc') source.push(bytes(char))
    let pushed = 0
    const { basin } = drain(source, {
      onWrite: () => {
        if (pushed < 2) source.push(bytes(`more ${pushed++}`))
      },
    })
    expect(basin.got).toEqual(['a', 'b', 'c', 'more 0', 'more 1'])
  })

  test('gets the end last', () => {
    const { source } = tap()
    source.push(bytes('a'))
    source.push(bytes('b'))
    expect(drain(source, { onWrite: () => source.end() }).basin.got).toEqual(['a', 'b', 'end'])
  })

  test('gets the error last', () => {
    const { source } = tap()
    source.push(bytes('a'))
    expect(drain(source, { onWrite: () => source.fail(new Error('broken')) }).basin.got).toEqual(['a', 'fail: broken'])
  })
})

describe('take', () => {
  test.each([
    [[], null],
    [['a'], 'a'],
    [['a', 'b', 'c'], 'abc'],
  ])('gives the whole body of %j when it is there', (chunks, whole) => {
    const { source, told } = tap()
    for (const chunk of chunks) source.push(bytes(chunk))
    source.end()
    const taken = source.take()
    expect(taken ? Buffer.from(taken).toString() : taken).toBe(whole)
    expect(thrown(() => source.take()).code).toBe('BODY_USED')
    expect(thrown(() => drain(source)).code).toBe('BODY_USED')
    expect(told).toEqual([])
  })

  test('gives one chunk as it is, without a copy', () => {
    const chunk = bytes('a')
    const { source } = tap()
    source.push(chunk)
    source.end()
    expect(source.take()).toBe(chunk)
  })

  test('gives nothing while the body is on its way, and takes nothing away', () => {
    const { source } = tap()
    source.push(bytes('a'))
    expect(source.take()).toBeUndefined()
    source.end()
    expect(drain(source).basin.got).toEqual(['a', 'end'])
  })

  test('gives nothing of a body that failed, so that the failure is seen', () => {
    const { source } = tap()
    source.push(bytes('a'))
    source.fail(new Error('broken'))
    expect(source.take()).toBeUndefined()
    expect(drain(source).basin.got).toEqual(['a', 'fail: broken'])
  })

  test('gives nothing of a body with trailers, so that these are not lost', () => {
    const { source } = tap()
    source.push(bytes('a'))
    source.end(new HeaderList({ status: '0' }))
    expect(source.take()).toBeUndefined()
    expect(drain(source).basin.got).toEqual(['a', 'end: status=0'])
  })
})

test('whatever is pushed, read, paused and resumed, and in whatever order, the reader gets all of it in order', () => {
  const step = fc.constantFrom('push', 'push', 'push', 'read', 'pause', 'resume', 'fill', 'empty')
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), fc.boolean(), (steps, fails) => {
      const { source, told } = tap()
      const basin = new Basin()
      const sent: string[] = []
      let isReading = false
      for (const step of [...steps, 'read']) {
        if (step === 'push') {
          sent.push(String(sent.length))
          const room = source.push(bytes(String(sent.length - 1)))
          if (isReading && basin.isFull) expect(room).toBe(false)
        }
        if (step === 'read' && !isReading) {
          isReading = true
          source.pipeTo(basin)
        }
        if (step === 'pause' && isReading) source.pause()
        if (step === 'resume' && isReading) source.resume()
        if (step === 'fill') basin.isFull = true
        if (step === 'empty') basin.isFull = false
      }
      fails ? source.fail(new Error('x')) : source.end()
      expect(basin.got).toEqual([...sent, fails ? 'fail: x' : 'end'])
      expect(told.filter((word) => word === 'start')).toHaveLength(1)
    }),
    { seed: 20_26, numRuns: 1_000 },
  )
})
