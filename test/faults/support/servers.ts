import type { RawScript, RawSocket } from '@gatelet/testing'

/** A whole answer with a body. */
export const fine = (body = 'fine'): string => `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`

/** Answers every request well, when its head is here. */
export const answers: RawScript = async (connection) => {
  while (await headOf(connection)) connection.write(fine())
}

/** Reads, and says nothing. */
export const hangs: RawScript = () => {}

/** Answers each request with these bytes, and then does something to the connection. */
export function says(bytes: string, then?: (connection: RawSocket) => unknown): RawScript {
  return async (connection) => {
    while (await headOf(connection)) {
      connection.write(bytes)
      await then?.(connection)
    }
  }
}

/** Answers 200 when a request with a length is here as a whole, with the length of its body. */
export const takesBodies: RawScript = async (connection) => {
  for (;;) {
    const head = await headOf(connection)
    if (!head) return
    const length = Number(/content-length: (\d+)/i.exec(head)?.[1] ?? 0)
    if (length > 0) await connection.read(length, 60_000)
    connection.write(fine(String(length)))
  }
}

/** The head of the next request. Undefined when there is none any more. */
export async function headOf(connection: RawSocket): Promise<string | undefined> {
  return connection.read('\r\n\r\n', 60_000).catch(() => undefined)
}
