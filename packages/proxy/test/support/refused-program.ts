import { proxy } from '@gatelet/proxy'
import { call } from '@gatelet/testing'

// Two hundred POSTs by HTTP/2, eight at a time, and how they were answered.
const [, , url = ''] = process.argv
const handler = proxy(url, { http2: true, retries: { max: 0 } })
const counts: Record<string, number> = {}

async function ask(times: number): Promise<void> {
  for (let i = 0; i < times; i++) {
    const reply = await call(handler, { method: 'POST', body: 'x'.repeat(20_000) })
    await reply.text()
    counts[reply.status] = (counts[reply.status] ?? 0) + 1
  }
}

async function main(): Promise<void> {
  await Promise.all(Array.from({ length: 8 }, () => ask(25)))
  await handler.close()
  process.stdout.write(JSON.stringify(counts))
}

void main()
