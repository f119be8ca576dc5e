import { createBalancer } from '@gatelet/balancer'
import { serve } from '@gatelet/node'
import { proxy } from '@gatelet/proxy'
import { origins, port } from './start.ts'

await serve(proxy(createBalancer({ endpoints: origins })), { port, host: '127.0.0.1' })
