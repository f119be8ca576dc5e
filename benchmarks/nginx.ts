import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '@gatelet/testing'
import { payloads, replyHeaders } from './payloads.ts'
import { scratchFolder } from './processes.ts'

/** Where nginx is, if it is installed. */
export const nginx: string | undefined = findProgram('nginx')

/** A command that serves every payload on `ports`, and the count of requests on `countPort`. */
export function nginxOrigin(ports: readonly number[], countPort: number): string[] {
  const folder = scratchFolder()
  const locations = payloads.map(({ path, received }) => {
    const body = 'x'.repeat(received)
    // A word of the configuration may have 4 KiB at most; what is longer comes from a file.
    if (received < 4_000) return `location ${path} { return 200 "${body}"; }`
    writeFileSync(join(folder, 'large'), body)
    return `location ${path} { try_files /large =404; }`
  })
  const headers = Object.entries(replyHeaders).map(([name, value]) =>
    name === 'content-type' ? `default_type ${value};` : `add_header ${name} "${value}";`,
  )
  return command(
    folder,
    `server { ${listen(ports)} root ${folder}; sendfile on; ${headers.join(' ')} ${locations.join('\n')} }
     server { ${listen([countPort])} location / { stub_status; } }`,
  )
}

/** A command that forwards what comes to `port`, for comparison. */
export function nginxProxy(port: number, origins: readonly string[]): string[] {
  const servers = origins.map((origin) => `server ${new URL(origin).host};`).join(' ')
  return command(
    scratchFolder(),
    `upstream origins { ${servers} keepalive 128; keepalive_requests 1000000000; }
     server {
       ${listen([port])}
       location / { proxy_pass http://origins; proxy_http_version 1.1; proxy_set_header Connection "";
         # Or it would write replies of 100 KiB to a file.
         proxy_buffer_size 16k; proxy_buffers 8 16k; proxy_busy_buffers_size 32k; }
     }`,
  )
}

/** A command that answers from its cache on `port` what it was asked once, and tells on `countPort` how often it was asked. */
export function nginxCache(port: number, countPort: number, origin: string): string[] {
  const folder = scratchFolder()
  return command(
    folder,
    `proxy_cache_path ${folder}/cache keys_zone=all:8m;
     server {
       ${listen([port])} sendfile on; tcp_nopush on;
       location / { proxy_pass ${origin}; proxy_cache all; proxy_buffer_size 16k; proxy_buffers 8 16k; proxy_busy_buffers_size 32k; }
     }
     server { ${listen([countPort])} location / { stub_status; } }`,
  )
}

/** How many requests nginx says that it had. "server accepts handled requests", then the three numbers in a line. */
export const nginxRequests = (text: string): number => Number(/^ \d+ \d+ (\d+)/m.exec(text)?.[1])

const listen = (ports: readonly number[]) => ports.map((port) => `listen 127.0.0.1:${port};`).join(' ')

// One process in the foreground. Connections are kept: nginx's own 1,000 requests to each would be noise.
function command(folder: string, servers: string): string[] {
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  const config = `
    daemon off; master_process off; pid ${folder}/nginx.pid; error_log stderr crit;
    events { worker_connections 1024; }
    http {
      access_log off; keepalive_timeout 300s; keepalive_requests 1000000000; client_body_buffer_size 16k;
      ${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
      ${servers}
    }`
  writeFileSync(join(folder, 'nginx.conf'), config)
  return [nginx ?? 'nginx', '-e', 'stderr', '-p', folder, '-c', join(folder, 'nginx.conf')]
}
