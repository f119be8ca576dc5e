export * from '@gatelet/router'
