import { expect, test } from 'vitest'
import { cpuTimeNs } from '../cpu.ts'

test.skipIf(process.platform !== 'linux')('sees the CPU time that a process uses', () => {
  const before = cpuTimeNs(process.pid)
  const began = process.cpuUsage()
  while (process.cpuUsage(began).user < 50_000) Math.random()
  // 50 ms, less what the scheduler has not booked yet.
  expect(cpuTimeNs(process.pid) - before).toBeGreaterThan(25_000_000)
})

test.skipIf(process.platform !== 'linux')('refuses a process that is not there', () => {
  expect(() => cpuTimeNs(2 ** 22 + 1)).toThrow('ENOENT')
})
