import assert from 'node:assert/strict'
import { type Context, text } from '@gatelet/core'
import type { Case } from '../suite.ts'
import { played, type StartAdapter } from './scene.ts'

/** A layer that is placed at a path and sees the whole of it. */
export function mountCases(start: StartAdapter): Case[] {
  const layer = ({ request: { url } }: Context) => text(`mine: ${url.path}${url.search}`)
  const answers = async (line: string, status: number, body: RegExp) =>
    played(start, { layer, mount: '/m' }, async (stage) => {
      const response = await stage.ask(line)
      assert.deepEqual([line, response.status], [line, status])
      assert.match(response.text, body)
    })
  return [
    {
      name: 'sees what lies at and below its path, and the whole of that',
      async run() {
        await answers('GET /m', 200, /^mine: \/m$/)
        await answers('GET /m/', 200, /^mine: \/m\/$/)
        await answers('GET /m/a/b?c=1', 200, /^mine: \/m\/a\/b\?c=1$/)
        await answers('GET /m?c=1', 200, /^mine: \/m\?c=1$/)
      },
    },
    {
      name: 'sees nothing of what lies beside its path',
      async run() {
        await answers('GET /', 404, /^(?!mine)/)
        await answers('GET /mm', 404, /^(?!mine)/)
        await answers('GET /a/m', 404, /^(?!mine)/)
      },
    },
    {
      name: 'shows a path with dot segments in the form that they lead to',
      async run() {
        await answers('GET /m/a/../b', 200, /^mine: \/m\/b$/)
      },
    },
  ]
}
