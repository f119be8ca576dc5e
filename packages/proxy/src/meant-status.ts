import type { HeaderList } from '@gatelet/core'

/**
 * The status that an answer means. gRPC answers 200 in any case; where a call failed at once, its own status is in the head
 * ("Trailers-Only"), and those that speak of the server rather than of the call stand for a status of HTTP
 * (google/rpc/code.proto). DEADLINE_EXCEEDED is not among them: it is the client that sets deadlines.
 */
export function meantStatus(status: number, headers: HeaderList): number {
  const said = status === 200 ? headers.get('grpc-status') : undefined
  return (said !== undefined && meanings.get(said)) || status
}

const meanings: ReadonlyMap<string, number> = new Map([
  // UNKNOWN, INTERNAL, DATA_LOSS; UNAVAILABLE; RESOURCE_EXHAUSTED.
  ['2', 500],
  ['13', 500],
  ['15', 500],
  ['14', 503],
  ['8', 429],
])
