import { parseArgs } from 'node:util'
import { build } from './build.ts'
import { compare } from './compare.ts'
import { payloads } from './payloads.ts'
import { profile } from './profile.ts'
import { subjects } from './subjects.ts'

const usage = `Usage: pnpm bench [--json <file>]
       pnpm bench --profile <subject> [--payload <name>] [--seconds 5] [--top 40]
BENCH_SHORT=1 for a table in one minute instead of six.
Subjects: ${subjects.map(({ id }) => id).join(', ')}. Payloads: ${payloads.map(({ name }) => name).join(', ')}.`

const { values } = parseArgs({
  options: {
    help: { type: 'boolean' },
    json: { type: 'string' },
    profile: { type: 'string' },
    payload: { type: 'string', default: payloads[0]?.name ?? '' },
    seconds: { type: 'string', default: '5' },
    top: { type: 'string', default: '40' },
  },
})
const subject = subjects.find(({ id }) => id === values.profile)
const payload = payloads.find(({ name }) => name === values.payload)

if (values.help || !payload || (values.profile !== undefined && !subject)) {
  console.log(usage)
  process.exit(values.help ? 0 : 1)
}
if (process.platform !== 'linux') throw new Error('CPU time is read from /proc, which only Linux has')
build()
if (subject) await profile(subject, payload, Number(values.seconds), Number(values.top))
else await compare(process.env['BENCH_SHORT'] === '1' ? 'short' : 'full', values.json)
