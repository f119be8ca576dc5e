import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { childProgram } from '../../test/child-program.ts'

const conditions = process.env['GATELET_DIST'] === '1' ? [] : ['--conditions=@gatelet/source']
const folder = fileURLToPath(new URL('.', import.meta.url))

test('the demo stays up to be tried, and drains on Ctrl-C: a stream is left its time, then broken off', async () => {
  await using demo = childProgram([...conditions, '--import', 'tsx', 'main.ts'], { cwd: folder, env: { PORT: '0' } })
  const [, url = ''] = await demo.printed(/curl (http:\S+)\/hello/)
  await demo.printed(/or start/)
  expect(demo.output).not.toContain('✗')

  expect(await (await fetch(`${url}/hello`)).json()).toMatchObject({ path: '/hello' })
  expect((await fetch(`${url}/members/hello`)).status).toBe(401)
  expect((await fetch(`${url}/members/hello`, { headers: { 'x-word': 'please' } })).status).toBe(200)
  expect((await fetch(`${url}/origins/b/kill`, { method: 'POST' })).status).toBe(200)
  for (let asked = 0; asked < 10; asked++) expect((await fetch(`${url}/hello`)).status).toBe(200)
  const status = (await (await fetch(`${url}/status`)).json()) as { id: string }[]
  expect(status.map(({ id }) => id)).toEqual(['a', 'b', 'c'])

  expect((await fetch(`${url}/admin`)).headers.get('content-type')).toContain('text/html')
  const { total } = (await (await fetch(`${url}/admin/api/v1/overview`)).json()) as { total: number }
  expect(total).toBeGreaterThan(1_000)
  const explained = await (await fetch(`${url}/admin/api/v1/explain?url=/members/7`)).json()
  expect(explained).toMatchObject({ explanations: [{ router: 'gateway', found: 'hit' }] })
  expect((await fetch(`${url}/admin/`, { headers: { 'x-forwarded-for': '127.0.0.1' } })).status).toBe(403)

  const stream = await fetch(`${url}/clock`)
  const reader = stream.body?.getReader()
  expect(Buffer.from((await reader?.read())?.value ?? []).toString()).toMatch(/^data: it is /)
  demo.kill('SIGINT')
  await expect(reader?.closed).rejects.toThrow()
  expect(await demo.ended).toBe(0)
  expect(demo.output).toMatch(/Closed\.\n$/)
}, 90_000)
