export * from '@gatelet/fetch'
