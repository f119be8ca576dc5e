import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { meet, type Verdict } from './cell.ts'
import { faults } from './faults.ts'
import { type Row, rightCounts, table } from './report.ts'
import { subjects } from './subjects.ts'

// What do proxies make of nineteen faults? Each cell of the table is a fresh process of the proxy, between a raw client and a
// raw server. BENCH_SHORT=1: Gatelet alone, and the table is not written.

const isShort = process.env['BENCH_SHORT'] === '1'
const compared = isShort ? subjects.slice(0, 1) : subjects
const rows: Row[] = []

for (const fault of faults) {
  const verdicts: Verdict[] = []
  // One after the other: a proxy that is slow under load would say something about the machine.
  for (const subject of compared) verdicts.push(await meet(fault, subject))
  rows.push({ fault, verdicts })
  console.log(
    `${rows.length}. ${fault.title}: ${verdicts.map(({ isRight, seen }) => `${isRight ? '✓' : '✗'} ${seen}`).join(' | ')}`,
  )
}

const titles = compared.map(({ title }) => title)
const [ours = 0] = rightCounts(rows)
console.log(titles.map((title, at) => `${title}: ${rightCounts(rows)[at]} of ${rows.length}`).join('\n'))
if (!isShort) writeFileSync(fileURLToPath(new URL('../../docs/faults.md', import.meta.url)), page())
if (ours < rows.length) process.exitCode = 1

function page(): string {
  return `# Faults

What do Gatelet and others make of nineteen faults, of the server behind and of the client? \`pnpm bench:faults\` measures all of
them in one run and writes this page; this one was written on ${new Date().toISOString().slice(0, 10)} with Node ${process.versions.node}.

Each cell is a fresh process of the proxy between a raw TCP client and a raw TCP server on 127.0.0.1. Time limits are 2 s where a
proxy has such an option and people set it; everything else is as each is by itself, nginx and HAProxy with kept connections to the server.
✓ is what an operator would want: the failure told with the right status, nothing cut off that looks whole, no connection held for
a client that has left, no request lost, nothing forwarded that two servers read in two ways.

${table(titles, rows)}

- 2: HAProxy lets go of the server when it is given \`option abortonclose\`.
- 12: the requests follow one another without a pause, so that many meet a connection which is just being closed.
- 14: the memory of the process, beyond what it has after 200 small requests.
- 16: nginx resolves dot segments where its \`proxy_pass\` has a path.
`
}
