import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { GatewayError } from '@gatelet/core'
import { describe, expect, test } from 'vitest'
import { optionInterfaces } from './options/interfaces.ts'
import { type Subject, subjects, unchecked } from './options/subjects.ts'

const interfaces = optionInterfaces()

test('every interface of options is put to the test', () => {
  expect([...Object.keys(subjects), ...Object.keys(unchecked)].sort()).toEqual([...interfaces.keys()].sort())
})

describe.each(Object.entries(subjects))('%s', (name, subject) => {
  test('has a bad value for each of its options', () => {
    expect(Object.keys(subject.bad).sort()).toEqual([...(interfaces.get(name) ?? [])].sort())
  })

  test.each(Object.entries(subject.bad))('stops the start of a program whose %s is not right', async (option, value) => {
    const error = await refusal(subject, changed({ ...subject.good }, option, value))
    const path = subject.at === undefined ? option : `${subject.at}.${option}`
    expect(error.code).toBe('BAD_OPTION')
    // A bad item or member is named itself.
    expect(error.path?.slice(0, path.length)).toBe(path)
    expect(error.message).toMatch(/ must be .+ \(got .+\)$/)
    expect(error.message).toContain(error.path)
  })

  test('stops the start of a program that has an option which is not known', async () => {
    const error = await refusal(subject, { ...subject.good, unheardOf: 1 })
    expect(error.message).toMatch(/unheardOf is not an option; (did you mean|known are)/)
  })
})

test('a program with a bad option ends, and says which and what would be right', () => {
  const { status, stdout, stderr } = run(`
    import { createGateway } from 'gatelet'
    createGateway({
      upstreams: { users: { endpoints: ['http://10.0.0.1:4001', { url: 'http://10.0.0.2:4001', weight: -3 }] } },
      routes: [{ path: '/*', to: 'users' }],
    })
    console.log('listening')
  `)
  expect(status).toBe(1)
  expect(stdout).toBe('')
  expect(stderr).toContain('createGateway: upstreams.users.endpoints[1].weight must be a number from 0 to 1000000 (got -3)')
})

async function refusal({ through }: Subject, options: object): Promise<GatewayError> {
  try {
    await through(options as never)
  } catch (error) {
    if (error instanceof GatewayError) return error
    throw error
  }
  throw new Error('it was taken as it is')
}

/** @param path `'weight'`, or `'cookies.domain'` */
function changed(options: object, path: string, value: unknown): object {
  const [name = '', inner] = path.split('.')
  const around = (options as Readonly<Record<string, object>>)[name]
  return { ...options, [name]: inner === undefined ? value : { ...around, [inner]: value } }
}

function run(program: string): { status: number | null; stdout: string; stderr: string } {
  const conditions = process.env['GATELET_DIST'] === '1' ? [] : ['--conditions=@gatelet/source']
  const args = [...conditions, '--import', 'tsx', '--input-type=module', '--eval', program]
  return spawnSync(process.execPath, args, { cwd: fileURLToPath(new URL('..', import.meta.url)), encoding: 'utf8' })
}
