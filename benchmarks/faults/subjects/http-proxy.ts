import httpProxy from 'http-proxy'

const [port, target = ''] = process.argv.slice(2)

// As its documentation begins.
httpProxy.createProxyServer({ target, ws: true }).listen(Number(port), '127.0.0.1')
