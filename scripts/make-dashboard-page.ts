/** Writes the files of the dashboard's page into a module, so that the package needs no files beside its code. */
import { writeFileSync } from 'node:fs'
import { pageModule } from './dashboard-page.ts'

writeFileSync(new URL('../packages/dashboard/src/page/files.generated.ts', import.meta.url), pageModule())
