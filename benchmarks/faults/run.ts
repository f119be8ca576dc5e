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

What Gatelet and others make of nineteen faults: of the server behind (1 to 9, 12, 13, 18) and of the client. Measured, not
claimed: \`pnpm bench:faults\` runs the whole table and writes this page, on this machine with Node ${process.versions.node}, on
${new Date().toISOString().slice(0, 10)}.

Each cell is a fresh process of the proxy between a raw TCP client and a raw TCP server on 127.0.0.1. Time limits are 2 s wherever
a proxy has any; everything else is what each does by itself (nginx and HAProxy with kept upstream connections). ✓ is what an
operator would want: the error told with the right status, nothing cut off that looks whole, no connection held for a client that has left, no
request lost, nothing forwarded that two servers read in two ways.

${table(titles, rows)}

1. to 3. and the like are one request each. For 12, 400 requests follow one another. For 14, memory is that of the process.
`
}
