import { PushSource } from '@gatelet/core'

/** A request body that a test feeds by hand. */
export interface Trickle {
  readonly body: PushSource
  push(text: string): void
  end(): void
  fail(error: Error): void
  /** Somebody reads it. */
  isStarted(): boolean
  isCancelled(): boolean
}

/** @param length what the client announced; undefined: it sends chunks */
export function trickle(length?: number): Trickle {
  let isStarted = false
  let isCancelled = false
  const body = new PushSource({
    start: () => {
      isStarted = true
    },
    pause() {},
    resume() {},
    cancel: () => {
      isCancelled = true
    },
  })
  body.length = length
  return {
    body,
    push: (text) => void body.push(Buffer.from(text)),
    end: () => body.end(),
    fail: (error) => body.fail(error),
    isStarted: () => isStarted,
    isCancelled: () => isCancelled,
  }
}
