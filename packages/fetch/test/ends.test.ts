import { HeaderList, type Reply } from '@gatelet/core'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { settle, tap, watched } from './support.ts'

const steps = fc.array(fc.constantFrom('answer', 'push', 'end', 'fail', 'leave', 'read', 'cancel', 'turn'), { maxLength: 14 })

test('whatever happens in whatever order, each exchange ends once, and its body is read to its end or told to stop', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (steps) => {
      const { source, told } = tap()
      const client = new AbortController()
      let answer: (reply: Reply) => void = () => {}
      const { handle, ends } = watched(() => new Promise<Reply>((resolve) => (answer = resolve)))
      let isOver = false
      const body = () => ({ status: 200, headers: new HeaderList(), body: source })
      const answered = handle(new Request('http://a.test/', { signal: client.signal }))
      let reader: ReadableStreamDefaultReader<Uint8Array> | undefined
      void answered.then((response) => {
        reader = response.body?.getReader()
      })
      const actions: Record<(typeof steps)[number], () => void> = {
        answer: () => answer(body()),
        push: () => void (isOver || source.push(Buffer.alloc(10_000))),
        end: () => {
          isOver = true
          source.end()
        },
        fail: () => {
          isOver = true
          source.fail(new Error('gone'))
        },
        leave: () => client.abort(),
        read: () => void reader?.read().catch(() => {}),
        cancel: () => void reader?.cancel().catch(() => {}),
        turn: () => {},
      }
      for (const step of steps) {
        actions[step]()
        await settle()
      }
      // In the end the handler answers, what makes the body ends, and the host reads until nothing more comes.
      answer(body())
      source.end()
      await answered
      await settle()
      for (;;) {
        const part = await reader?.read().catch(() => undefined)
        if (!part || part.done) break
      }
      await settle()
      expect(ends.length).toBe(1)
      expect(source.isOver).toBe(true)
      if (ends[0]?.outcome === 'finished') expect(told).not.toContain('cancel')
    }),
    { seed: 21, numRuns: 400 },
  )
})
