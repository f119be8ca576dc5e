import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** A way to a server that a test can cut, slow down, or let go dead. */
export interface Cuttable extends AsyncDisposable {
  readonly url: string
  /** `open`: passes all on. `cut`: breaks connections off, and new ones too. `dead`: takes all, and passes nothing on. */
  state: 'open' | 'cut' | 'dead'
  /** How long each piece is held back, in milliseconds. */
  delayMs: number
}

/** A proxy of TCP in front of a Redis. */
export async function cuttable(port: number): Promise<Cuttable> {
  const sockets = new Set<Socket>()
  let state: Cuttable['state'] = 'open'
  const path: Cuttable = {
    delayMs: 0,
    get url() {
      return `redis://127.0.0.1:${(server.address() as AddressInfo).port}`
    },
    get state() {
      return state
    },
    set state(next) {
      // What was swallowed cannot be made up for: the connections that were dead stay of no use.
      if (next === 'cut' || state === 'dead') for (const socket of sockets) socket.destroy()
      state = next
    },
    async [Symbol.asyncDispose]() {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  const pass = (from: Socket, to: Socket) => {
    sockets.add(from)
    from.on('error', () => {})
    from.on('close', () => {
      sockets.delete(from)
      to.destroy()
    })
    const held: { readonly at: number; readonly chunk: Buffer }[] = []
    let timer: NodeJS.Timeout | undefined
    // In turn, also when it is fast again.
    const pump = () => {
      timer = undefined
      for (let [next] = held; next && next.at <= performance.now(); [next] = held) {
        held.shift()
        if (!to.destroyed) to.write(next.chunk)
      }
      if (held[0]) timer = setTimeout(pump, held[0].at - performance.now() + 1)
    }
    from.on('data', (chunk) => {
      if (state !== 'open') return
      held.push({ at: Math.max(held.at(-1)?.at ?? 0, performance.now() + path.delayMs), chunk })
      if (!timer) pump()
    })
  }
  const server = createServer((near) => {
    if (state === 'cut') {
      near.on('error', () => {}).destroy()
      return
    }
    const far = connect(port, '127.0.0.1')
    pass(near, far)
    pass(far, near)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return path
}
