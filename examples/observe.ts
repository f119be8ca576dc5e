// A gateway that can be seen: figures for Prometheus, spans by OpenTelemetry, and a record in the access log for each request.
import * as api from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import { BasicTracerProvider, ConsoleSpanExporter, SimpleSpanProcessor } from '@opentelemetry/sdk-trace-base'
import { chain, createBalancer, createRouter, proxy, serve } from 'gatelet'
import { accessLog, prometheusMetrics, trace } from 'gatelet/metrics'
import promClient from 'prom-client'

const { PORT = '8080', METRICS_PORT = '9464', USERS = 'http://127.0.0.1:4001 http://127.0.0.1:4002' } = process.env

// The SDK of OpenTelemetry, as it is set up once in a program. In production: an exporter for OTLP, and a processor that batches.
api.context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
api.trace.setGlobalTracerProvider(
  new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(new ConsoleSpanExporter())] }),
)

// First of all, so that they hear of everything: figures of this process, those of the gateway beside them, and a record for each request.
promClient.collectDefaultMetrics()
const metrics = prometheusMetrics({ registry: promClient })
const log = accessLog({ format: 'json' })

const users = createBalancer({ name: 'users', endpoints: USERS.split(' ') })
const traces = trace({ api })
const router = createRouter().mount('/users/*rest', proxy(users))
const server = await serve(chain().use(traces).to(router), { port: Number(PORT), host: '127.0.0.1' })
console.log(`listening on ${server.url}: try curl ${server.url}/users/7`)

// On a port of its own, which only Prometheus reaches.
const figures = await serve(createRouter().get('/metrics', metrics.handler), { port: Number(METRICS_PORT), host: '127.0.0.1' })
console.log(`figures on ${figures.url}/metrics`)

process.once('SIGTERM', async () => {
  await server.close({ graceMs: 5_000 })
  await Promise.all([users.close(), figures.close()])
  for (const each of [traces, log, metrics]) each.close()
})
