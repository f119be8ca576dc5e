export * from '@gatelet/node'
