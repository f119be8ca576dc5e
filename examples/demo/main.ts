/**
 * Starts three origin servers and a gateway, kills and changes things under load, and tells what it saw. Then it stays up
 * to be tried, until Ctrl-C. With `--once` it ends by itself: with code 0 only if every step held.
 */
import { type RunningServer, serve } from 'gatelet'
import { demoGateway } from './gateway.ts'
import { Origin } from './origins.ts'
import { bad, bold, dim, good, line } from './print.ts'
import { PER_SECOND, type Stage, steps } from './steps.ts'

const endsByItself = process.argv.includes('--once')
const origins = [new Origin('a'), new Origin('b'), new Origin('c')] as const
const fourth = new Origin('d')
let failures = 0

line(bold('Gatelet: three origin servers and a gateway, all on this machine'))
await Promise.all(origins.map((origin) => origin.start()))
const { gateway, page } = demoGateway(origins)
const server = await listen()
for (const { name, url, pid } of origins) line(`  origin ${name}   ${url}   ${dim(`process ${pid}`)}`)
line(`  gateway    ${server.url}   ${dim(`process ${process.pid}`)}`)
line(`  dashboard  ${server.url}/admin/`)
line(dim(`Clients ask ${PER_SECOND} times a second. Failed: all but a whole answer with status 200.`))
process.once('SIGINT', () => void interrupted())
process.once('SIGTERM', () => void interrupted())

const stage: Stage = { gateway, url: `${server.url}/hello`, origins, fourth, check }
for (const [at, [title, step]] of steps.entries()) {
  line()
  line(bold(`${at + 1}. ${title}`))
  await step(stage).catch((error: unknown) => check(false, String(error)))
}
line()
if (endsByItself) {
  await close()
  if (failures === 0) line('Every step held.')
  else line(`${failures} of the checks above did not hold.`)
  process.exitCode = failures === 0 ? 0 : 1
} else {
  invite(server.url)
}

function check(holds: boolean, what: string): void {
  if (!holds) failures++
  if (holds) good(what)
  else bad(what)
}

/** On 8080, which is easy to type; on any other port where that is taken, or where nobody is there to type. */
async function listen(): Promise<RunningServer> {
  const { PORT = endsByItself ? '0' : '8080' } = process.env
  const on = (port: number) => serve(gateway, { host: '127.0.0.1', port })
  try {
    return await on(Number(PORT))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
    return on(0)
  }
}

function invite(url: string): void {
  const tries = [
    ['Who answers? Ask a few times:', `curl ${url}/hello`],
    ['A layer that lets through who says the word:', `curl -H 'x-word: please' ${url}/members/hello`],
    ['A stream, one line a second:', `curl -N ${url}/clock`],
    ['The endpoints as they are now:', `curl ${url}/status`],
    ['The dashboard, in a browser on this machine:', `${url}/admin/`],
    ['Kill b, see who answers, and start it again:', `curl -X POST ${url}/origins/b/kill   ${dim('or start')}`],
  ]
  line(bold('Now try it yourself. Ctrl-C drains and ends.'))
  for (const [what = '', command = ''] of tries) line(`  ${what}\n    ${command}`)
}

/** The first Ctrl-C drains; whoever has no patience presses it again, which ends the process at once. */
async function interrupted(): Promise<void> {
  line()
  line('Draining: no new connections, requests in flight have 5 seconds.')
  await close()
  line('Closed.')
  process.exit(failures === 0 ? 0 : 1)
}

async function close(): Promise<void> {
  await server.close({ graceMs: 5_000 })
  page.close()
  await gateway.close()
  await Promise.all([...origins, fourth].map((origin) => origin.kill()))
}
