// gRPC-Web by hand, to show how little it is: five bytes before each message, and the trailers as a frame of their own. Programs
// use a library, such as @connectrpc/connect-web, with code made of the .proto.

/** HelloRequest: field 1, a text. */
const request = (name) => {
  const text = new TextEncoder().encode(name)
  return Uint8Array.of(0x0a, text.length, ...text)
}

/** HelloReply: field 1, a text. */
const reply = (message) => new TextDecoder().decode(message.subarray(2))

export async function sayHello(baseUrl, name) {
  const message = request(name)
  const body = Uint8Array.of(0, 0, 0, 0, message.length, ...message)
  const headers = { 'content-type': 'application/grpc-web+proto', 'x-grpc-web': '1', 'grpc-timeout': '5S' }
  const answer = await fetch(`${baseUrl}/greeter.v1.Greeter/SayHello`, { method: 'POST', headers, body })
  let status = answer.headers.get('grpc-status')
  let text = answer.headers.get('grpc-message') ?? ''
  let found
  const bytes = new Uint8Array(await answer.arrayBuffer())
  for (let at = 0; at < bytes.length; ) {
    const length = new DataView(bytes.buffer, at + 1).getUint32(0)
    const data = bytes.subarray(at + 5, at + 5 + length)
    if (bytes[at] & 0x80) {
      const trailers = new Map(
        new TextDecoder()
          .decode(data)
          .split('\r\n')
          .map((line) => line.split(': ')),
      )
      status = trailers.get('grpc-status')
      text = trailers.get('grpc-message') ?? ''
    } else {
      found = reply(data)
    }
    at += 5 + length
  }
  if (status !== '0') throw new Error(`${status}: ${decodeURIComponent(text)}`)
  return found
}
