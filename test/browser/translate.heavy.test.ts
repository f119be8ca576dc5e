import { requireProgram } from '@gatelet/testing'
import { chromium, type Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { example } from '../example-program.ts'

const program = requireProgram('chromium')

/** Runs a test on pages of an example that has been started. */
async function inBrowser(file: string, work: (open: () => Promise<Page>) => Promise<void>): Promise<void> {
  const started = await example(file)
  await using _ = started.program
  const browser = await chromium.launch({ executablePath: program as string, args: ['--no-sandbox'] })
  try {
    await work(async () => {
      const page = await browser.newPage()
      await page.goto(started.url)
      return page
    })
  } finally {
    await browser.close()
  }
}

const patient = { timeout: 20_000 }

test.skipIf(!program)('pages chat by events and POST, and hear prices over a WebSocket', { timeout: 120_000 }, () =>
  inBrowser('server-sent-events.ts', async (open) => {
    const [ada, bob] = [await open(), await open()]
    const said = (page: Page) => page.locator('li').allTextContents()
    const say = async (page: Page, text: string) => {
      await page.locator('input').fill(text)
      await page.locator('button').click()
    }
    for (const page of [ada, bob]) await expect.poll(() => page.locator('#tea').textContent(), patient).toMatch(/^30\d$/)
    await say(ada, 'hello')
    await expect.poll(() => said(bob), patient).toEqual(['hello'])
    await say(bob, '<b>hi</b>')
    for (const page of [ada, bob]) await expect.poll(() => said(page), patient).toEqual(['hello', '<b>hi</b>'])
    // Who comes later gets all of it.
    const late = await open()
    await expect.poll(() => said(late), patient).toEqual(['hello', '<b>hi</b>'])
  }),
)

test.skipIf(!program)('pages chat over WebSockets with a service that speaks HTTP', { timeout: 120_000 }, () =>
  inBrowser('websocket-to-http.ts', async (open) => {
    const [ada, bob] = [await open(), await open()]
    // Their connections are open when their buttons can be clicked.
    for (const page of [ada, bob]) await expect.poll(() => page.locator('button').isEnabled(), patient).toBe(true)
    await ada.locator('input').fill('<b>hello</b>')
    await ada.locator('button').click()
    for (const page of [ada, bob])
      await expect.poll(() => page.locator('li').allTextContents(), patient).toEqual(['<b>hello</b>'])
  }),
)

test.skipIf(!program)('pages ask a service that speaks WebSocket, and hear what it says to all', { timeout: 120_000 }, () =>
  inBrowser('http-to-websocket.ts', async (open) => {
    const [ada, bob] = [await open(), await open()]
    await ada.locator('button').click()
    await expect.poll(() => ada.locator('#own').textContent(), patient).toBe('1')
    await bob.locator('button').click()
    await expect.poll(() => bob.locator('#own').textContent(), patient).toBe('2')
    for (const page of [ada, bob]) await expect.poll(() => page.locator('#all').textContent(), patient).toBe('2')
  }),
)
