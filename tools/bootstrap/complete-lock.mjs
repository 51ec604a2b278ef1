import { readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { completed, missingFrom } from './lock.mjs'

// `npm run lock`, after every npm install that changed package-lock.json: completes it for other platforms.
const file = join(dirname(dirname(dirname(fileURLToPath(import.meta.url)))), 'package-lock.json')
const lock = JSON.parse(readFileSync(file, 'utf8'))
const missing = missingFrom(lock.packages)
if (missing.length > 0)
  writeFileSync(file, `${JSON.stringify({ ...lock, packages: completed(lock.packages) }, null, 2)}\n`)
process.stdout.write(`${missing.length} packages of other platforms added to package-lock.json\n`)
