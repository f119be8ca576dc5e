import { mkdirSync } from 'node:fs'
import { createServer } from 'node:http'
import { fileURLToPath } from 'node:url'
import { type OriginFarm, origins, requireProgram } from '@gatelet/testing'
import axe from 'axe-core'
import { type Browser, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { example } from '../example-program.ts'

const program = requireProgram('chromium')
const patient = { timeout: 20_000 }

/** `PICTURES=1` writes the pictures of the guide anew. */
const pictures = process.env['PICTURES'] === '1'
const folder = fileURLToPath(new URL('../../docs/guides/pictures/', import.meta.url))

let farm: OriginFarm
let started: Awaited<ReturnType<typeof example>>
let browser: Browser

beforeAll(async () => {
  if (!program) return
  farm = await origins(2, {
    handler: (req, res) => {
      res.setHeader('cache-control', req.url?.includes('kept') ? 'max-age=600' : 'no-store')
      if (req.url?.includes('broken')) res.statusCode = 503
      setTimeout(() => res.end('user'), 2 + Math.random() * 12)
    },
  })
  started = await example('dashboard.ts', { USERS: farm.urls.join(' ') })
  browser = await chromium.launch({ executablePath: program, args: ['--no-sandbox'] })
}, 60_000)

afterAll(async () => {
  await browser?.close()
  await started?.program[Symbol.asyncDispose]()
  await farm?.[Symbol.asyncDispose]()
})

/** A page of the dashboard, and what it has complained of. */
async function opened(view: string, look: Parameters<Browser['newPage']>[0] = {}): Promise<{ page: Page; complaints: string[] }> {
  const page = await browser.newPage({ viewport: { width: 1200, height: 640 }, ...look })
  const complaints: string[] = []
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text())
  })
  page.on('pageerror', (error) => complaints.push(String(error)))
  page.on('request', (request) => {
    if (!request.url().startsWith(started.url)) complaints.push(`asks ${request.url()}`)
  })
  await page.goto(`${started.url}/admin/#${view}`)
  await page.getByText('live', { exact: true }).waitFor()
  return { page, complaints }
}

async function ask(times: number, path = '/users/7'): Promise<void> {
  for (let asked = 0; asked < times; asked++) await (await fetch(`${started.url}${path}`)).text()
}

/** The row of an endpoint. */
const rowOf = (page: Page, at: number) =>
  page
    .getByRole('row')
    .filter({ hasText: farm.urls[at] as string })
    .filter({ has: page.getByRole('button') })

async function picture(page: Page, name: string): Promise<void> {
  if (!pictures) return
  mkdirSync(folder, { recursive: true })
  await page.screenshot({ path: `${folder}dashboard-${name}.png` })
}

describe.skipIf(!program)('the dashboard in Chromium', { timeout: 120_000 }, () => {
  test('loads without a complaint, asks nobody else, and its figures move under traffic', async () => {
    const { page, complaints } = await opened('overview')
    const value = (name: string) => page.locator('.tiles > div').filter({ hasText: name }).locator('dd')
    await expect.poll(() => value('requests in all').textContent(), patient).toMatch(/^\d+$/)
    const before = Number(await value('requests in all').textContent())
    await ask(40)
    await expect.poll(() => value('requests in all').textContent(), patient).toBe(String(before + 40))
    await expect.poll(async () => Number(await value('requests per second').textContent()), patient).toBeGreaterThan(0)
    await expect.poll(() => value('p95').textContent(), patient).toMatch(/^[\d.]+ ms$/)
    expect(complaints).toEqual([])
    // Drawn, not only there: some point of the chart is of its colour. Chromium may complain of being asked for points, so last.
    await expect.poll(() => page.locator('.plot canvas').first().evaluate(isDrawn), patient).toBe(true)
    await page.close()
  })

  test('drains an endpoint by a click: traffic leaves it, and comes back', async () => {
    const { page, complaints } = await opened('endpoints')
    const row = rowOf(page, 0)
    await row.getByRole('button', { name: 'Drain' }).click()
    await expect.poll(() => row.locator('.state').textContent(), patient).toBe('draining')
    const hits = farm.servers.map((server) => server.hits)
    await ask(20)
    expect(farm.servers.map((server) => server.hits)).toEqual([hits[0], (hits[1] ?? 0) + 20])
    await page.getByRole('cell', { name: 'draining' }).last().waitFor()

    await row.getByRole('button', { name: 'ready' }).click()
    await expect.poll(() => row.locator('.state').textContent(), patient).toBe('active')
    await ask(20)
    expect(farm.servers[0]?.hits).toBeGreaterThan(hits[0] ?? 0)

    await row.getByRole('spinbutton').fill('3')
    await row.getByRole('button', { name: 'Set the weight' }).click()
    await expect.poll(() => row.locator('td').nth(2).textContent(), patient).toBe('3')
    await row.getByRole('spinbutton').fill('1')
    await row.getByRole('spinbutton').press('Enter')
    await expect.poll(() => row.locator('td').nth(2).textContent(), patient).toBe('1')
    expect(complaints).toEqual([])
    await page.close()
  })

  test('purges a URL', async () => {
    await ask(3, '/users/kept')
    const hits = farm.hits
    const { page, complaints } = await opened('cache')
    await page.getByLabel('value').fill('/users/kept')
    await page.getByRole('button', { name: 'purge' }).click()
    await page.getByText('1 purged from pages').waitFor()
    await ask(2, '/users/kept')
    expect(farm.hits).toBe(hits + 1)
    expect(complaints).toEqual([])
    await page.close()
  })

  test('tells which route a URL takes', async () => {
    const { page } = await opened('routes')
    await page.getByLabel('URL').fill('/users/7')
    await page.getByRole('button', { name: 'explain' }).click()
    await page.getByText('the path has /users, not /admin').waitFor()
    await page.getByLabel('URL').fill('/a//b')
    await page.keyboard.press('Enter')
    await page.locator('.answer .bad').waitFor()
    await page.close()
  })

  test('shows what clients send as text', async () => {
    const { page, complaints } = await opened('tail')
    await ask(1, '/users/%3Cimg%20src=x%20onerror=alert(1)%3E')
    await page.getByText('%3Cimg').first().waitFor()
    await ask(1, `/<b id=injected>${'x'.repeat(5)}</b>`)
    await page.getByText('injected').first().waitFor()
    expect(await page.locator('#injected').count()).toBe(0)
    expect(complaints).toEqual([])
    await page.close()
  })

  test('is used by keyboard alone', async () => {
    const { page } = await opened('overview')
    await page.keyboard.press('Tab')
    expect(await page.evaluate('document.activeElement?.textContent')).toBe('Skip to content')
    for (let pressed = 0; pressed < 3; pressed++) await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Drain' }).first().waitFor()
    expect(await page.locator('nav a[aria-current]').textContent()).toBe('Endpoints')
    // A button stays the same one while the figures around it change.
    await page.getByRole('button', { name: 'Drain' }).first().focus()
    await page.waitForResponse(/endpoints/)
    await page.waitForResponse(/endpoints/)
    expect(await page.evaluate('document.activeElement?.textContent')).toBe('drain')
    await page.close()
  })

  test('a page of another origin can change nothing, nor read anything', async () => {
    const other = createServer((_, res) => res.setHeader('content-type', 'text/html').end('<p>elsewhere</p>'))
    await new Promise<void>((listening) => other.listen(0, '127.0.0.1', listening))
    const address = other.address()
    const page = await browser.newPage()
    await page.goto(`http://localhost:${typeof address === 'object' ? address?.port : 0}/`)
    const hits = farm.servers.map((server) => server.hits)
    const drain = JSON.stringify({ balancer: 'users', id: farm.urls[0], action: 'drain' })
    const said = await page.evaluate(
      async ([admin, body]) => {
        const read = await fetch(`${admin}/api/v1/session`).then(
          (reply) => reply.status,
          () => 'blocked',
        )
        // A simple request, which needs no permission to be sent. What comes back is not to be read either.
        await fetch(`${admin}/api/v1/endpoints/change`, { method: 'POST', mode: 'no-cors', body }).catch(() => {})
        return read
      },
      [`${started.url}/admin`, drain] as const,
    )
    expect(said).toBe('blocked')
    const inFrame = page.waitForEvent('framenavigated', (frame) => frame !== page.mainFrame())
    await page.evaluate(`document.body.append(Object.assign(document.createElement('iframe'), { src: '${started.url}/admin/' }))`)
    expect(await (await inFrame).title()).not.toBe('Users')
    await ask(20)
    for (const [at, server] of farm.servers.entries()) expect(server.hits).toBeGreaterThan(hits[at] ?? 0)
    await page.close()
    other.close()
  })

  const views = ['overview', 'endpoints', 'routes', 'limits', 'cache', 'auth', 'errors', 'tail']

  test.each(['light', 'dark'] as const)('has no serious fault of accessibility in %s', async (colorScheme) => {
    await ask(10)
    await ask(1, '/users/broken')
    const { page, complaints } = await opened('overview', { colorScheme, bypassCSP: true })
    await page.addScriptTag({ content: axe.source })
    for (const view of views) {
      await page.goto(`${started.url}/admin/#${view}`)
      await page.locator('main > div').waitFor()
      await page.waitForTimeout(300)
      expect({ view, faults: await page.evaluate(seriousFaults) }).toEqual({ view, faults: [] })
    }
    expect(complaints).toEqual([])
    await page.close()
  })

  test('fits a phone: nothing has to be scrolled sideways', async () => {
    const { page } = await opened('overview', { viewport: { width: 390, height: 844 } })
    for (const view of views) {
      await page.goto(`${started.url}/admin/#${view}`)
      await page.locator('main > div').waitFor()
      await page.waitForTimeout(300)
      expect({ view, wide: await page.evaluate('document.documentElement.scrollWidth') }).toEqual({ view, wide: 390 })
    }
    await page.close()
  })

  test.skipIf(!pictures)('is drawn for the guide', async () => {
    const load = setInterval(() => {
      for (const path of ['/users/7', '/users/8', '/users/kept', '/users/9']) void ask(1, path)
      if (Math.random() < 0.1) void ask(1, '/users/broken')
    }, 40)
    const { page } = await opened('overview')
    await page.waitForTimeout(45_000)
    await picture(page, 'overview')
    await page.emulateMedia({ colorScheme: 'dark' })
    for (const view of ['routes', 'endpoints']) {
      await page.goto(`${started.url}/admin/#${view}`)
      if (view === 'routes') {
        await page.getByLabel('URL').fill('/users/7')
        await page.getByRole('button', { name: 'explain' }).click()
      } else {
        await rowOf(page, 1).getByRole('button', { name: 'Drain' }).click()
      }
      await page.waitForTimeout(2_500)
      await page.setViewportSize({ width: 1200, height: view === 'routes' ? 480 : 400 })
      await picture(page, view)
    }
    await rowOf(page, 1)
      .getByRole('button', { name: 'ready' })
      .click()
      .catch(() => {})
    await page.setViewportSize({ width: 390, height: 700 })
    await page.emulateMedia({ colorScheme: 'light' })
    await page.goto(`${started.url}/admin/#overview`)
    await page.waitForTimeout(2_000)
    await picture(page, 'phone')
    clearInterval(load)
    await page.close()
  })
})

/** Whether a canvas has a point of some strong colour. Runs in the page. */
function isDrawn(canvas: unknown): boolean {
  const { width, height, getContext } = canvas as { width: number; height: number; getContext(kind: string): unknown }
  const context = getContext.call(canvas, '2d') as { getImageData(...at: number[]): { data: Uint8ClampedArray } }
  const { data } = context.getImageData(0, 0, width, height)
  for (let at = 0; at < data.length; at += 4)
    if ((data[at + 3] ?? 0) > 200 && (data[at + 2] ?? 0) - (data[at] ?? 0) > 80) return true
  return false
}

/** Runs in the page. */
async function seriousFaults(): Promise<string[]> {
  const { axe } = globalThis as unknown as { axe: { run(): Promise<{ violations: Violation[] }> } }
  interface Violation {
    impact: string
    id: string
    nodes: { html: string }[]
  }
  const { violations } = await axe.run()
  return violations
    .filter(({ impact }) => impact === 'serious' || impact === 'critical')
    .flatMap(({ id, nodes }) => nodes.map(({ html }) => `${id}: ${html.slice(0, 200)}`))
}
