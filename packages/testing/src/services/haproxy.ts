import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../programs.ts'
import { type RunningProgram, startProgram } from './running-program.ts'

/**
 * Starts HAProxy for a test: one thread, time limits of ten seconds, mode http.
 * @param sections the `frontend`, `backend` or `listen` sections; one must bind `127.0.0.1:<port>`
 * @throws Error with what HAProxy says when it does not start
 * @example await using haproxy = await startHaproxy((port) => `listen all\n bind 127.0.0.1:${port}\n server a 127.0.0.1:4001`)
 */
export function startHaproxy(sections: (port: number) => string): Promise<RunningProgram> {
  return startProgram({
    program: findProgram('haproxy') ?? 'haproxy',
    async args(port, folder) {
      const path = join(folder, 'haproxy.cfg')
      // The last line must end too.
      await writeFile(path, `${defaults}\n${sections(port)}\n`)
      return ['-db', '-f', path]
    },
  })
}

const defaults = `
global
  nbthread 1
  maxconn 1000
defaults
  mode http
  timeout connect 10s
  timeout client 10s
  timeout server 10s
`
