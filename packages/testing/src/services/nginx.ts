import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findProgram } from '../programs.ts'
import { type RunningProgram, startProgram } from './running-program.ts'

/**
 * Starts nginx for a test: one worker, no log, every connection kept.
 * @param http what stands inside of `http { … }`; it must listen on `127.0.0.1:<port>`
 * @throws Error with what nginx says when it does not start
 * @example await using nginx = await startNginx((port) => `server { listen 127.0.0.1:${port}; return 200 "hello"; }`)
 */
export function startNginx(http: (port: number) => string): Promise<RunningProgram> {
  return startProgram({
    program: findProgram('nginx') ?? 'nginx',
    async args(port, folder) {
      const path = join(folder, 'nginx.conf')
      await writeFile(path, configuration(folder, http(port)))
      return ['-e', 'stderr', '-p', folder, '-c', path]
    },
  })
}

const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

const configuration = (folder: string, http: string) => `
  daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr error;
  events { worker_connections 1024; }
  http {
    access_log off; keepalive_timeout 300s; keepalive_requests 1000000000;
    ${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
    ${http}
  }
`
