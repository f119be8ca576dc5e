import { origins } from '@gatelet/testing'
import { expect, test } from 'vitest'

test('answers who it is and what it saw', async () => {
  await using farm = await origins(2)
  const reply = await fetch(`${farm.urls[1]}/a?b=c`, { headers: { 'x-test': '1' } })
  expect(reply.status).toBe(200)
  expect(await reply.json()).toMatchObject({ id: 1, method: 'GET', url: '/a?b=c', headers: { 'x-test': '1' } })
  expect(farm.servers.map(({ hits }) => hits)).toEqual([0, 1])
})
