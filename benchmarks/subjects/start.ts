/** Where a subject has to listen; who starts it says so. */
export const port: number = Number(process.argv[2])
/** Whom it has to ask: two addresses of the same origin. */
export const origins: readonly string[] = process.argv.slice(3)

// Left to itself, a signal ends the process without the profile that `--cpu-prof` writes at its end.
process.once('SIGTERM', () => process.exit(0))
