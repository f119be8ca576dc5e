import type { UpgradeHandler } from '@gatelet/testing'
import { WebSocketServer } from 'ws'

const sockets = new WebSocketServer({ noServer: true })

/** Takes a WebSocket, tells first what it was asked for, then sends back each message. */
export const echoes: UpgradeHandler = (req, socket, head) => {
  sockets.handleUpgrade(req, socket, head, (ws) => {
    ws.on('error', () => {})
    ws.on('message', (data, isBinary) => ws.send(data, { binary: isBinary }))
    ws.send(`${req.headers.host}${req.url}`)
  })
}
