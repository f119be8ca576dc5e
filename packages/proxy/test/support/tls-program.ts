// Asks TLS servers through the proxy. Run with NODE_EXTRA_CA_CERTS, which a process reads at its start only.
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Target } from '@gatelet/core'
import { proxy } from '@gatelet/proxy'
import { call } from '@gatelet/testing'
import { ledger } from './ledger.ts'

export interface TlsResults {
  [name: string]: { status: number; body: string; connections: number }
}

const file = (name: string) => readFileSync(new URL(`tls/${name}`, import.meta.url))

/** Says which name the client sent for TLS, and which as `Host`. */
async function server(listen: { port: number; host: string } | string) {
  const listening = createServer({ key: file('key.pem'), cert: file('cert.pem') }, (req, res) => {
    const { servername } = req.socket as { servername?: string | false }
    res.end(`${String(servername)} ${req.headers.host}`)
  })
  let connections = 0
  listening.on('secureConnection', () => connections++)
  listening.listen(listen)
  await once(listening, 'listening')
  return { port: (listening.address() as AddressInfo).port, connections: () => connections, close: () => listening.close() }
}

const tcp = await server({ port: 0, host: '127.0.0.1' })
const socketPath = join(tmpdir(), `gatelet-tls-${process.pid}.sock`)
const unix = await server(socketPath)

const results: TlsResults = {}

async function ask(name: string, target: Target, hosts: readonly string[]): Promise<void> {
  const handler = proxy(ledger([target]), { host: 'preserve' })
  const before = tcp.connections() + unix.connections()
  for (const host of hosts) {
    const reply = await call(handler, { headers: { host } })
    results[name] = {
      status: reply.status,
      body: await reply.text(),
      connections: tcp.connections() + unix.connections() - before,
    }
  }
  await handler.close()
}

const origin = (text: string) => ({ origin: new URL(text) })
await ask('name', origin(`https://localhost:${tcp.port}`), ['evil.example'])
await ask('address', origin(`https://127.0.0.1:${tcp.port}`), ['evil.example'])
await ask('many hosts', origin(`https://localhost:${tcp.port}`), ['a.example', 'b.example', 'c.example'])
await ask('unix', { ...origin('https://upstream.example'), socketPath }, ['evil.example'])
await ask('wrong name', { ...origin('https://other.example'), socketPath }, ['upstream.example'])
tcp.close()
unix.close()
console.log(JSON.stringify(results))
