export * from '@gatelet/koa'
