import { type Clock, type Flow, PushSource, type Reply, sourceOf } from '@gatelet/core'

// A body that may be let go is read this long: then its connection serves the next request, instead of being closed.
const HOLD_MS = 1_000

/**
 * Reads what belongs to a reply that may not be needed, as far as 64 KiB and a second go. The reply stays as good as it was.
 * @returns whether it is whole: its connection and lease are free then, and dropping it costs nothing
 */
export function held(reply: Reply, clock: Clock): Promise<boolean> {
  const { body } = reply
  if (body === null || typeof body === 'string' || body instanceof Uint8Array) return Promise.resolve(true)
  return new Promise((resolve) => {
    const source = sourceOf(body)
    let flow: Flow | undefined
    // Holds what comes until it is read itself.
    const to = new PushSource({
      pause: () => flow?.pause(),
      resume: () => flow?.resume(),
      cancel: (reason) => source.cancel(reason),
    })
    const settle = (isWhole: boolean) => {
      cancelTimer()
      resolve(isWhole)
    }
    const cancelTimer = clock.setTimer(() => settle(false), HOLD_MS)
    to.length = source.length
    reply.body = to
    flow = source.pipeTo({
      write(chunk) {
        const hasRoom = to.push(chunk)
        if (!hasRoom) settle(false)
        return hasRoom
      },
      end(trailers) {
        to.end(trailers)
        settle(true)
      },
      fail(error) {
        to.fail(error)
        settle(false)
      },
    })
  })
}
