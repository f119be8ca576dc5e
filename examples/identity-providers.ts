// What four identity providers need to be believed: whole options of `jwt`, for the access tokens that they give out.
import type { Claims, JwtOptions } from 'gatelet/auth'

/** Auth0. The issuer ends with a slash; the audience is the identifier of the API. */
export const auth0: JwtOptions = {
  issuer: 'https://acme.eu.auth0.com/',
  audience: 'https://api.acme.example',
  algorithms: ['RS256'],
  // Roles are in no token, unless an Action writes them there, under a name of your own.
  roles: (claims) => texts(claims['https://acme.example/roles']),
}

/** Keycloak. The issuer has no slash at its end; the audience is there only where a mapper of the kind "Audience" adds it. */
export const keycloak: JwtOptions = {
  issuer: 'https://id.acme.example/realms/shop',
  audience: 'orders-api',
  algorithms: ['RS256'],
  // Identity tokens are of the same key and the same realm.
  claims: (claims) => (claims['typ'] === 'Bearer' ? claims : undefined),
  roles: ({ realm_access: realm, resource_access: clients }) => [...rolesIn(realm), ...rolesIn(member(clients, 'orders-api'))],
}

/** Amazon Cognito. Access tokens do not say whom they are for, but which app client has asked for them. */
export const cognito: JwtOptions = {
  issuer: 'https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12Cd34E',
  audience: '1example23456789',
  audienceClaim: 'client_id',
  algorithms: ['RS256'],
  claims: (claims) => (claims['token_use'] === 'access' ? claims : undefined),
  roles: (claims) => texts(claims['cognito:groups']),
}

/** Microsoft Entra ID, with tokens of version 2 (`requestedAccessTokenVersion: 2` in the manifest of the API). */
export const entra: JwtOptions = {
  issuer: 'https://login.microsoftonline.com/aaaabbbb-0000-cccc-1111-dddd2222eeee/v2.0',
  // The API's own application id; the client has another one.
  audience: '00001111-aaaa-2222-bbbb-3333cccc4444',
  algorithms: ['RS256'],
  // `sub` is another one for each application; this is the same in the whole tenant.
  subjectClaim: 'oid',
}

const texts = (value: unknown): string[] => (Array.isArray(value) ? value.filter((one) => typeof one === 'string') : [])
const member = (value: unknown, name: string): unknown =>
  typeof value === 'object' && value !== null ? (value as Claims)[name] : undefined
const rolesIn = (access: unknown): string[] => texts(member(access, 'roles'))
