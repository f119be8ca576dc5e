import { bytesOf, type Context, GatewayError } from '@gatelet/core'

const MAX_BODY_BYTES = 16_384

/** The fields of a JSON object that a change comes with. */
export class Ask {
  private readonly fields: Readonly<Record<string, unknown>>

  private constructor(fields: Readonly<Record<string, unknown>>) {
    this.fields = fields
  }

  /** @throws GatewayError `UNSUPPORTED_MEDIA_TYPE`, `BODY_TOO_LARGE`, `BAD_REQUEST` */
  static async of({ request }: Context): Promise<Ask> {
    // A form of another page cannot send this type.
    const [type = ''] = (request.headers.get('content-type') ?? '').split(';')
    if (type.trim().toLowerCase() !== 'application/json')
      throw new GatewayError('UNSUPPORTED_MEDIA_TYPE', { detail: 'the body is JSON, and says so' })
    const bytes = await bytesOf(request.body, MAX_BODY_BYTES)
    return new Ask(objectIn(Buffer.from(bytes).toString()))
  }

  text(name: string): string {
    const value = this.fields[name]
    if (typeof value === 'string' && value !== '') return value
    throw bad(`${name} must be a text`)
  }

  number(name: string, max: number): number {
    const value = this.fields[name]
    if (typeof value === 'number' && value >= 0 && value <= max) return value
    throw bad(`${name} must be a number from 0 to ${max}`)
  }

  isOn(name: string): boolean {
    const value = this.fields[name] ?? false
    if (typeof value === 'boolean') return value
    throw bad(`${name} must be true or false`)
  }

  oneOf<const T extends string>(name: string, allowed: readonly T[]): T {
    const found = allowed.find((each) => each === this.fields[name])
    if (found !== undefined) return found
    throw bad(`${name} must be one of ${allowed.join(', ')}`)
  }
}

function objectIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text)
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Record<string, unknown>
  } catch {
    // Said below.
  }
  throw bad('the body must be a JSON object')
}

/** @param detail what would be right */
export function bad(detail: string): GatewayError {
  return new GatewayError('BAD_REQUEST', { detail })
}
