import { dashboard } from '@gatelet/dashboard'
import type { Subject } from './subjects.ts'

/** The options of `@gatelet/dashboard`. */
export const dashboardSubjects: Readonly<Record<string, Subject>> = {
  DashboardOptions: {
    through: dashboard,
    good: { authorize: 'loopback' },
    bad: {
      authorize: true,
      balancers: { users: 'http://127.0.0.1:1' },
      routers: { main: [] },
      caches: { pages: new Map() },
      path: '/admin/',
      title: '',
      readOnly: 'yes',
      maxRoutes: 0,
      maxErrors: 1.5,
      maxReaders: 1_001,
      clock: {},
    },
  },
}
