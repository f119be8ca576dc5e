import { HeaderList } from '@gatelet/core'
import { expect, test } from 'vitest'
import { meantStatus } from '../src/meant-status.ts'

test.each([
  [200, undefined, 200],
  [200, '0', 200],
  [200, '14', 503],
  [200, '8', 429],
  [200, '13', 500],
  [200, '2', 500],
  // What the client asked for, and how long it waits, says nothing of the server.
  [200, '4', 200],
  [200, '5', 200],
  [200, '12', 200],
  [200, 'fourteen', 200],
  [404, '14', 404],
])('an answer with status %i and grpc-status %s means %i', (status, said, meant) => {
  expect(meantStatus(status, new HeaderList(said === undefined ? [] : [['grpc-status', said]]))).toBe(meant)
})
