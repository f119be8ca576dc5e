import type { Claims, Principal, PrincipalInit } from '../principal.ts'
import type { Json } from '../strict-json.ts'

/** What is sealed in a cookie. */
export interface Content {
  readonly id: string
  /** Both in milliseconds since 1970. */
  readonly createdAt: number
  readonly seenAt: number
  readonly who: Omit<PrincipalInit, 'scheme'>
}

export function contentOf(principal: Principal, id: string, now: number): Content {
  const { subject, issuer, scopes, roles, claims, expiresAt } = principal
  return { id, createdAt: now, seenAt: now, who: { subject, issuer, scopes: [...scopes], roles: [...roles], claims, expiresAt } }
}

/** @returns undefined for what `contentOf` does not make: another version may have sealed it */
export function readContent({ id, createdAt, seenAt, who }: Json): Content | undefined {
  if (typeof id !== 'string' || !isDate(createdAt) || !isDate(seenAt) || !isObject(who)) return undefined
  const { subject, issuer, scopes, roles, claims, expiresAt } = who
  const isRight =
    typeof subject === 'string' &&
    (issuer === undefined || typeof issuer === 'string') &&
    isTexts(scopes) &&
    isTexts(roles) &&
    isObject(claims) &&
    (expiresAt === undefined || isDate(expiresAt))
  return isRight
    ? { id, createdAt, seenAt, who: { subject, issuer, scopes, roles, claims: claims as Claims, expiresAt } }
    : undefined
}

const isDate = (value: unknown): value is number => typeof value === 'number' && Number.isFinite(value)

const isObject = (value: unknown): value is Json => typeof value === 'object' && value !== null && !Array.isArray(value)

const isTexts = (value: unknown): value is string[] => Array.isArray(value) && value.every((each) => typeof each === 'string')
