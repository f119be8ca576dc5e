export * from '@gatelet/functions'
