/**
 * Starts three origin servers and a gateway, kills and changes things under load, and tells what it saw. Then it stays up
 * to be tried, until Ctrl-C. With `--once` it ends by itself: with code 0 only if every step held.
 */
import { serve } from 'gatelet'
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
const gateway = demoGateway(origins)
const server = await serve(gateway, { host: '127.0.0.1', port: Number(process.env['PORT'] ?? 0) })
for (const { name, url, pid } of origins) line(`  origin ${name}   ${url}   ${dim(`process ${pid}`)}`)
line(`  gateway    ${server.url}   ${dim(`process ${process.pid}`)}`)
process.once('SIGINT', () => void interrupted())
process.once('SIGTERM', () => void interrupted())

const stage: Stage = { gateway, url: `${server.url}/hello`, origins, fourth, check }
for (const [at, [title, step]] of steps.entries()) {
  line()
  line(`${bold(`${at + 1}. ${title}`)}  ${dim(`${PER_SECOND} requests a second`)}`)
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

function invite(url: string): void {
  line(bold('Now try it yourself'))
  line(`  curl ${url}/hello                    ${dim('who answers? Ask a few times')}`)
  line(`  curl ${url}/members/hello            ${dim('a layer: say -H "x-word: please"')}`)
  line(`  curl -N ${url}/clock                 ${dim('a stream, one line a second')}`)
  line(`  curl ${url}/status                   ${dim('the endpoints as they are now')}`)
  line(`  curl -X POST ${url}/origins/b/kill   ${dim('and /start, to bring it back')}`)
  line()
  line('Ctrl-C drains and ends.')
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
  await gateway.close()
  await Promise.all([...origins, fourth].map((origin) => origin.kill()))
}
