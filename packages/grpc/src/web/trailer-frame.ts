import { HeaderList, isHopByHop } from '@gatelet/core'
import { codeOf } from '../status.ts'
import { frame } from '../wire/frames.ts'
import { statusFields } from '../wire/status-fields.ts'

// The flag of a frame that carries trailers.
const TRAILERS = 0x80

/** Trailers as the last frame of a body of gRPC-Web: lines of `name: value`, names in lower case. */
export function trailerFrame(trailers: HeaderList | undefined): Uint8Array {
  let lines = ''
  const said = trailers?.has('grpc-status') ? trailers : statusFields(noStatus)
  for (const [name, value] of said) if (!isHopByHop(name)) lines += `${name.toLowerCase()}: ${value}\r\n`
  return frame(Buffer.from(lines, 'latin1'), TRAILERS)
}

const noStatus = { code: codeOf('UNKNOWN'), message: 'The server sent no status' }

/** The trailers in the data of such a frame. Lines that are none are passed over, as clients do. */
export function trailersIn(data: Uint8Array): HeaderList {
  const trailers = new HeaderList()
  for (const line of Buffer.from(data).toString('latin1').split(/\r?\n/)) {
    const [, name, value] = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*([\t\x20-\x7e\x80-\xff]*?)[ \t]*$/.exec(line) ?? []
    if (name !== undefined && value !== undefined) trailers.append(name, value)
  }
  return trailers
}
