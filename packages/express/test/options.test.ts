import type { IncomingMessage } from 'node:http'
import type { ErrorRequestHandler } from 'express'
import { describePlacing, type FrameworkApp, type Placed } from '../../node/test/framework/describe-placing.ts'
import { type Express, expresses } from './expresses.ts'

interface ExpressPlaced {
  state(req: IncomingMessage): object
}

async function start(express: Express): Promise<FrameworkApp> {
  const { toExpress } = await import('@gatelet/express')
  const app = express().set('trust proxy', 'loopback')
  const onError: ErrorRequestHandler = (error, _req, res, _next) => void res.status(500).send(`Sorry: ${error.message}`)
  return {
    place(layer, options, path = '/') {
      const placed = toExpress(layer, options)
      app.use(path, placed)
      return placed
    },
    answer(tell) {
      app.use(async (req, res) => void res.json(await tell((placed: Placed) => (placed as ExpressPlaced).state(req))))
    },
    listener: () => app.use(onError),
  }
}

for (const [name, express] of expresses) describePlacing(name, () => start(express))
