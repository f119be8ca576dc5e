import { HeaderList, type ReadonlyHeaders } from '@gatelet/core'

/**
 * The metadata of a call, made of the header fields of a request: all of them, less what speaks of the body and of its form.
 * @param timeout the value of `grpc-timeout`
 */
export function metadataOf(headers: ReadonlyHeaders, timeout: string | undefined): HeaderList {
  const metadata = new HeaderList()
  for (const [name, value] of headers) if (!isOfMessage(name.toLowerCase())) metadata.append(name, value)
  metadata.set('content-type', 'application/grpc').set('te', 'trailers')
  if (timeout !== undefined) metadata.set('grpc-timeout', timeout)
  return metadata
}

/** The header fields of an answer, made of the metadata of a call, or of its trailers. */
export function headersOf(metadata: ReadonlyHeaders | undefined): HeaderList {
  const headers = new HeaderList()
  for (const [name, value] of metadata ?? []) if (!isOfMessage(name.toLowerCase())) headers.append(name, value)
  return headers
}

const isOfMessage = (name: string) => name.startsWith('content-') || name.startsWith('grpc-') || ofMessage.has(name)

const ofMessage: ReadonlySet<string> = new Set([
  ...['accept', 'accept-encoding', 'accept-charset', 'te', 'trailer', 'expect', 'range', 'x-grpc-web', 'transfer-encoding'],
  ...['if-match', 'if-none-match', 'if-modified-since', 'if-unmodified-since', 'if-range', 'connection', 'keep-alive', 'upgrade'],
])
