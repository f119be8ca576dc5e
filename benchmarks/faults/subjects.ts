import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { findProgram } from '@gatelet/testing'
import { scratchFolder } from '../processes.ts'

/** A proxy that meets the faults. */
export interface FaultSubject {
  readonly title: string
  /** What starts it on a port, in front of one server. */
  command(port: number, originPort: number): string[]
}

const nginx = findProgram('nginx')
const haproxy = findProgram('haproxy')

/** In the order of the table. */
export const subjects: readonly FaultSubject[] = [
  node('Gatelet', 'gatelet'),
  node(`http-proxy ${versionOf('http-proxy')}, as documented`, 'http-proxy'),
  node('http-proxy with error listener, agent, timeouts', 'http-proxy-listening'),
  node(`@fastify/http-proxy ${versionOf('@fastify/http-proxy')}`, 'fastify'),
  ...(nginx ? [{ title: `nginx ${programVersion(nginx, '-v')}`, command: nginxCommand }] : []),
  ...(haproxy ? [{ title: `HAProxy ${programVersion(haproxy, '-v')}`, command: haproxyCommand }] : []),
]

function node(title: string, file: string): FaultSubject {
  const program = fileURLToPath(new URL(`subjects/${file}.ts`, import.meta.url))
  const args = ['--conditions=@gatelet/source', '--import', 'tsx', program]
  return { title, command: (port, originPort) => [process.execPath, ...args, String(port), `http://127.0.0.1:${originPort}`] }
}

function versionOf(name: string): string {
  return (
    JSON.parse(readFileSync(join(import.meta.dirname, '../node_modules', name, 'package.json'), 'utf8')) as { version: string }
  ).version
}

// nginx tells its version as an error.
function programVersion(program: string, flag: string): string {
  const text = execFileSync('sh', ['-c', `${program} ${flag} 2>&1`], { encoding: 'utf8' })
  return /\d+\.\d+\.\d+/.exec(text)?.[0] ?? ''
}

function nginxCommand(port: number, originPort: number): string[] {
  const folder = scratchFolder()
  const kinds = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  writeFileSync(
    join(folder, 'nginx.conf'),
    `daemon off; master_process off; pid ${folder}/nginx.pid; error_log /dev/null crit;
     events { worker_connections 1024; }
     http {
       access_log off;
       ${kinds.map((kind) => `${kind}_temp_path ${folder}/${kind};`).join(' ')}
       map $http_upgrade $connection_upgrade { default upgrade; '' ''; }
       upstream origin { server 127.0.0.1:${originPort}; keepalive 16; }
       server {
         listen 127.0.0.1:${port};
         client_max_body_size 0;
         location / {
           proxy_pass http://origin; proxy_http_version 1.1;
           proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;
           proxy_connect_timeout 2s; proxy_read_timeout 2s; proxy_send_timeout 2s;
         }
       }
     }`,
  )
  return [nginx ?? 'nginx', '-e', '/dev/null', '-p', folder, '-c', join(folder, 'nginx.conf')]
}

function haproxyCommand(port: number, originPort: number): string[] {
  const path = join(scratchFolder(), 'haproxy.cfg')
  writeFileSync(
    path,
    `
global
  nbthread 1
  maxconn 1000
defaults
  mode http
  timeout connect 2s
  timeout client 10s
  timeout server 2s
  timeout tunnel 10s
listen all
  bind 127.0.0.1:${port}
  http-reuse safe
  server origin 127.0.0.1:${originPort}
`,
  )
  return [haproxy ?? 'haproxy', '-db', '-f', path]
}
