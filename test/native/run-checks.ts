// Owns the run of the C++ checks: prints what each found, as JSON.
import { createRequire } from 'node:module'
import { CHECKS } from './sanitized-build.ts'

const checks = createRequire(import.meta.url)(CHECKS) as { run(): { name: string; failures: string[] }[] }
process.stdout.write(JSON.stringify(checks.run()))
