import { requireProgram } from '@gatelet/testing'
import { chromium } from 'playwright-core'
import { expect, test } from 'vitest'
import { example } from '../example-program.ts'

const program = requireProgram('chromium')

test.skipIf(!program)(
  'a page greets by gRPC-Web and counts by server-sent events, while one of two servers goes',
  { timeout: 120_000 },
  async () => {
    const one = await example('greeter-server.ts')
    const other = await example('greeter-server.ts')
    await using _one = one.program
    await using _other = other.program
    const gateway = await example('grpc.ts', { GREETERS: `${one.url} ${other.url}` })
    await using _ = gateway.program
    const browser = await chromium.launch({ executablePath: program as string, args: ['--no-sandbox'] })
    try {
      const page = await browser.newPage()
      await page.goto(gateway.url)
      const greeting = () => page.locator('#greeting').textContent()
      const greet = async (name: string) => {
        await page.locator('input').fill(name)
        await page.getByRole('button').click()
      }
      await expect.poll(() => page.locator('li').allTextContents(), { timeout: 20_000 }).toEqual(['1', '2', '3', '4', '5'])
      await greet('Ada')
      await expect.poll(greeting, { timeout: 20_000 }).toBe('Hello, Ada!')
      await greet('nobody')
      await expect.poll(greeting, { timeout: 20_000 }).toBe('5: nobody is here')

      one.program.kill('SIGTERM')
      await one.program.ended
      for (const name of ['Ben', 'Cleo', 'Dana']) {
        await greet(name)
        await expect.poll(greeting, { timeout: 20_000 }).toBe(`Hello, ${name}!`)
      }
    } finally {
      await browser.close()
    }
  },
)
