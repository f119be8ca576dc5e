import type { Flow, Sink, Source } from './body.ts'
import { asError } from './errors.ts'
import { PushSource } from './push-source.ts'

/** Two sources out of one. Connects when the first of them is read; goes at the pace of the slower. */
export function teeSource(source: Source): [Source, Source] {
  let flow: Flow | undefined
  let connected = false
  const live = new Set<Branch>()

  const allHaveRoom = () => {
    for (const branch of live) if (branch.full) return false
    return true
  }
  const sink: Sink = {
    write(chunk) {
      for (const branch of live) if (!branch.source.push(chunk)) branch.full = true
      // Asked of those that are left: a branch may be cancelled, or make room again, while the other one is served.
      return allHaveRoom()
    },
    end(trailers) {
      for (const branch of live) branch.source.end(trailers)
    },
    fail(error) {
      for (const branch of live) branch.source.fail(error)
    },
  }
  const start = () => {
    if (connected) return
    connected = true
    try {
      flow = source.pipeTo(sink)
    } catch (error) {
      sink.fail(asError(error))
    }
  }
  const resumeWhenAllHaveRoom = () => {
    if (allHaveRoom()) flow?.resume()
  }

  const make = (): Branch => {
    const branch: Branch = {
      full: false,
      source: new PushSource({
        start,
        pause() {
          branch.full = true
          flow?.pause()
        },
        resume() {
          branch.full = false
          resumeWhenAllHaveRoom()
        },
        cancel(reason) {
          live.delete(branch)
          if (live.size === 0) source.cancel(reason)
          else resumeWhenAllHaveRoom()
        },
      }),
    }
    branch.source.length = source.length
    live.add(branch)
    return branch
  }
  return [make().source, make().source]
}

interface Branch {
  readonly source: PushSource
  full: boolean
}
