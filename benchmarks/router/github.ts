/** A table like that of GitHub's REST API: how many resources hang below others, and how deep. */
const lines = `
GET /
GET /meta
GET /rate_limit
GET /emojis
GET /events
GET /feeds
GET /zen
GET /octocat
GET /versions
GET /codes_of_conduct
GET /codes_of_conduct/:key
GET /licenses
GET /licenses/:license
GET /gitignore/templates
GET /gitignore/templates/:name
POST /markdown
POST /markdown/raw
GET,DELETE /applications/:client/grant
POST,PATCH,DELETE /applications/:client/token
GET /apps/:slug
GET,POST /gists
GET /gists/public
GET /gists/starred
GET,PATCH,DELETE /gists/:gist
GET,POST /gists/:gist/comments
GET,PATCH,DELETE /gists/:gist/comments/:comment
GET,POST /gists/:gist/forks
GET,PUT,DELETE /gists/:gist/star
GET /issues
GET,PUT /notifications
GET,PATCH /notifications/threads/:thread
GET,PUT,DELETE /notifications/threads/:thread/subscription
GET /organizations
GET,PATCH /orgs/:org
GET /orgs/:org/events
GET,POST /orgs/:org/hooks
GET,PATCH,DELETE /orgs/:org/hooks/:hook
GET /orgs/:org/issues
GET /orgs/:org/members
GET,DELETE /orgs/:org/members/:user
GET,POST /orgs/:org/repos
GET,POST /orgs/:org/teams
GET,PATCH,DELETE /orgs/:org/teams/:team
GET,PUT,DELETE /orgs/:org/teams/:team/memberships/:user
GET /search/code
GET /search/commits
GET /search/issues
GET /search/labels
GET /search/repositories
GET /search/topics
GET /search/users
GET /repositories
GET,PATCH,DELETE /repos/:owner/:repo
GET /repos/:owner/:repo/actions/artifacts
GET,DELETE /repos/:owner/:repo/actions/artifacts/:artifact
GET /repos/:owner/:repo/actions/runs
GET,DELETE /repos/:owner/:repo/actions/runs/:run
POST /repos/:owner/:repo/actions/runs/:run/cancel
GET /repos/:owner/:repo/actions/runs/:run/jobs
GET /repos/:owner/:repo/assignees
GET /repos/:owner/:repo/branches
GET /repos/:owner/:repo/branches/:branch
GET,PUT,DELETE /repos/:owner/:repo/branches/:branch/protection
GET /repos/:owner/:repo/collaborators
GET,PUT,DELETE /repos/:owner/:repo/collaborators/:user
GET /repos/:owner/:repo/comments
GET,PATCH,DELETE /repos/:owner/:repo/comments/:comment
GET /repos/:owner/:repo/commits
GET /repos/:owner/:repo/commits/:sha
GET /repos/:owner/:repo/commits/:sha/comments
GET /repos/:owner/:repo/commits/:sha/status
GET /repos/:owner/:repo/contributors
GET,POST /repos/:owner/:repo/deployments
GET /repos/:owner/:repo/events
GET,POST /repos/:owner/:repo/forks
POST /repos/:owner/:repo/git/blobs
GET /repos/:owner/:repo/git/blobs/:sha
POST /repos/:owner/:repo/git/commits
GET /repos/:owner/:repo/git/commits/:sha
POST /repos/:owner/:repo/git/trees
GET /repos/:owner/:repo/git/trees/:sha
GET,POST /repos/:owner/:repo/hooks
GET,PATCH,DELETE /repos/:owner/:repo/hooks/:hook
POST /repos/:owner/:repo/hooks/:hook/tests
GET,POST /repos/:owner/:repo/issues
GET /repos/:owner/:repo/issues/comments
GET /repos/:owner/:repo/issues/events
GET,PATCH /repos/:owner/:repo/issues/:number
GET,POST /repos/:owner/:repo/issues/:number/comments
GET /repos/:owner/:repo/issues/:number/events
GET,POST,PUT,DELETE /repos/:owner/:repo/issues/:number/labels
DELETE /repos/:owner/:repo/issues/:number/labels/:name
GET,POST /repos/:owner/:repo/keys
GET,DELETE /repos/:owner/:repo/keys/:key
GET,POST /repos/:owner/:repo/labels
GET,PATCH,DELETE /repos/:owner/:repo/labels/:name
GET /repos/:owner/:repo/languages
POST /repos/:owner/:repo/merges
GET,POST /repos/:owner/:repo/milestones
GET,PATCH,DELETE /repos/:owner/:repo/milestones/:number
GET,POST /repos/:owner/:repo/pulls
GET,PATCH /repos/:owner/:repo/pulls/:number
GET /repos/:owner/:repo/pulls/:number/commits
GET /repos/:owner/:repo/pulls/:number/files
GET,PUT /repos/:owner/:repo/pulls/:number/merge
GET /repos/:owner/:repo/readme
GET,POST /repos/:owner/:repo/releases
GET /repos/:owner/:repo/releases/latest
GET,PATCH,DELETE /repos/:owner/:repo/releases/:release
GET /repos/:owner/:repo/stargazers
GET /repos/:owner/:repo/subscribers
GET /repos/:owner/:repo/tags
GET /teams/:team
GET,PATCH /user
GET,POST,DELETE /user/emails
GET /user/followers
GET,POST /user/keys
GET,DELETE /user/keys/:key
GET,POST /user/repos
GET /user/starred
GET,PUT,DELETE /user/starred/:owner/:repo
GET /users
GET /users/:user
GET /users/:user/events
GET /users/:user/followers
GET /users/:user/gists
GET /users/:user/keys
GET /users/:user/repos
GET /users/:user/starred
`

/** A route as each router of the comparison can take it. */
export interface PlainRoute {
  readonly method: string
  /** With parameters as `:name`. */
  readonly path: string
}

/** About 200 routes. */
export const githubRoutes: readonly PlainRoute[] = lines
  .trim()
  .split('\n')
  .flatMap((line) => {
    const [methods = '', path = ''] = line.split(' ')
    return methods.split(',').map((method) => ({ method, path }))
  })

/** What is asked of them, by kind. */
export const githubAsks = {
  static: ['/user', '/zen', '/rate_limit', '/gists/starred', '/search/repositories', '/user/followers', '/notifications', '/'],
  'one param': [
    '/users/octocat',
    '/orgs/nodejs/members',
    '/gists/aa5a315d61ae9438b18d/star',
    '/licenses/mit',
    '/user/keys/17',
    '/users/octocat/repos',
  ],
  'two params': [
    '/repos/nodejs/node',
    '/repos/nodejs/undici/readme',
    '/orgs/nodejs/teams/core',
    '/repos/octocat/hello-world/pulls',
    '/gists/aa5a315d/comments/7',
    '/user/starred/nodejs/node',
  ],
  'late static': [
    '/repos/nodejs/node/issues/4711/comments',
    '/repos/nodejs/node/actions/runs/1296269/jobs',
    '/repos/octocat/hello-world/branches/main/protection',
    '/repos/nodejs/undici/pulls/42/files',
    '/repos/nodejs/node/releases/latest',
    '/repos/nodejs/node/commits/6dcb09b5b57875f3/status',
  ],
  miss: [
    '/nowhere',
    '/users/octocat/nothing',
    '/repos/nodejs/node/issues/4711/nothing',
    '/repos/nodejs',
    '/search/repositories/x',
    '/favicon.ico',
  ],
} as const
