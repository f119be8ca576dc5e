import { requireProgram } from '@gatelet/testing'
import { chromium, type Page } from 'playwright-core'
import { expect, test } from 'vitest'
import { example } from '../example-program.ts'
import { chatServer } from './chat-server.ts'

const program = requireProgram('chromium')

/** Waits until the page says so often what matches. */
async function says(page: Page, line: RegExp, times = 1): Promise<void> {
  const lines = () => page.locator('li').allTextContents()
  await expect.poll(async () => (await lines()).filter((each) => line.test(each)).length, { timeout: 20_000 }).toBe(times)
}

async function send(page: Page, text: string): Promise<void> {
  await page.getByLabel('message').fill(text)
  await page.getByRole('button').click()
}

test.skipIf(!program)(
  'a browser talks through the gateway behind a login, and comes again when its server restarts',
  { timeout: 120_000 },
  async () => {
    const before = await chatServer('one')
    const gateway = await example('websockets.ts', { SERVERS: before.url })
    await using _ = gateway.program
    const browser = await chromium.launch({ executablePath: program as string, args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage()
      await page.goto(gateway.url)
      await says(page, /^connected$/)
      await says(page, /^event 1: from one$/)
      await send(page, 'hello')
      await says(page, /^one heard hello$/)

      await before[Symbol.asyncDispose]()
      await says(page, /^closed with 1011$/)
      await using after = await chatServer('two', before.port)
      await says(page, /^connected$/, 2)
      await says(page, /^event 2: from two$/)
      expect(after.lastEventIds).toContain('1')
      await send(page, 'hello again')
      await says(page, /^two heard hello again$/)

      // The gateway goes down: the page is told, and not cut.
      gateway.program.kill('SIGTERM')
      await says(page, /^closed with 1012$/)
      expect(await gateway.program.ended).toBe(0)
    } finally {
      await browser.close()
    }
  },
)

test.skipIf(!program)('a page of another site opens no WebSocket with the cookies of a user', { timeout: 120_000 }, async () => {
  await using server = await chatServer('one')
  const gateway = await example('websockets.ts', { SERVERS: server.url })
  await using _ = gateway.program
  const browser = await chromium.launch({ executablePath: program as string, args: ['--no-sandbox'] })
  try {
    const page = await browser.newPage()
    await page.goto(gateway.url)
    await says(page, /^connected$/)
    // Another port is another origin, and the same site: the cookie comes along.
    await page.goto(server.url, { waitUntil: 'commit' })
    const code = await page.evaluate(
      (url) =>
        new Promise((resolve) => {
          const socket = new WebSocket(url)
          socket.onopen = () => resolve('open')
          socket.onclose = ({ code }) => resolve(code)
        }),
      `${gateway.url.replace('http', 'ws')}/chat`,
    )
    expect(code).toBe(1006)
  } finally {
    await browser.close()
  }
})
