export * from '@gatelet/websocket'
