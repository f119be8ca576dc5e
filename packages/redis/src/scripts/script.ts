import { createHash } from 'node:crypto'
import type { Server } from '../client.ts'

/** A Lua script that a server knows by its hash, once it has seen it. */
export class Script {
  readonly text: string
  readonly hash: string

  constructor(text: string) {
    this.text = text
    this.hash = createHash('sha1').update(text).digest('hex')
  }

  /** Runs it, in one round trip; in two after the server has forgotten it (a restart, `SCRIPT FLUSH`, another node). */
  run(server: Server, keys: readonly string[], args: readonly string[]): Promise<unknown> {
    return server.byHash(this.hash, keys, args).then(undefined, (error: unknown) => {
      if (!(error instanceof Error && error.message.startsWith('NOSCRIPT'))) throw error
      return server.byText(this.text, keys, args)
    })
  }
}
