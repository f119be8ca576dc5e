import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { findProgram } from '@gatelet/testing'
import { childrenOf, cpuTimeNs } from './cpu.ts'
import { scratchFolder } from './processes.ts'

/** Where Varnish is, if it is installed. */
export const varnish: string | undefined = findProgram('varnishd')

/** Varnish in front of an origin. */
export interface VarnishCache {
  readonly command: string[]
  /** Requests that it has answered so far. */
  answered(): number
}

/** What serves from its cache on `port` what `origin` answered once. */
export function varnishCache(port: number, origin: string): VarnishCache {
  const folder = scratchFolder()
  const { hostname, port: originPort } = new URL(origin)
  // What it would by itself not give to who sends a cookie or a credential, as those of the load do.
  const rules = `vcl 4.1; backend default { .host = "${hostname}"; .port = "${originPort}"; } sub vcl_recv { return (hash); }`
  writeFileSync(join(folder, 'rules.vcl'), rules)
  const place = ['-n', join(folder, 'work')]
  const settings = ['-j', 'none', '-F', '-s', 'malloc,64m', '-t', '3600', '-f', join(folder, 'rules.vcl')]
  return {
    command: [varnish ?? 'varnishd', ...place, '-a', `127.0.0.1:${port}`, ...settings],
    answered() {
      const text = execFileSync('varnishstat', [...place, '-1', '-f', 'MAIN.client_req'], { encoding: 'utf8' })
      return Number(/client_req\s+(\d+)/.exec(text)?.[1] ?? 0)
    },
  }
}

/** What is started only looks after the process that works. */
export const varnishTimeNs = (pid: number): number =>
  childrenOf(pid).reduce((sum, child) => sum + cpuTimeNs(child), cpuTimeNs(pid))
