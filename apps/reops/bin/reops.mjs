#!/usr/bin/env node
// Runs under any Node 20+: the program itself is TypeScript, so an older Node hands over to the repository's own.
import { existsSync, realpathSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const here = dirname(realpathSync(fileURLToPath(import.meta.url)))

const nodeAbove = folder => {
  const found = join(folder, 'node_modules', '.bin', 'node')
  if (existsSync(found)) return realpathSync(found)
  return dirname(folder) === folder ? null : nodeAbove(dirname(folder))
}

if (process.features.typescript) {
  const { enableCompileCache } = await import('node:module')
  enableCompileCache?.()
  await import('../src/main.ts')
} else {
  const node = nodeAbove(here)
  if (node === null || node === realpathSync(process.execPath)) {
    process.stderr.write(
      `reops: Node ${process.version} cannot run it; needed is 24 (run \`npm install\`, which brings one)\n`,
    )
    process.exit(3)
  }
  const { spawn } = await import('node:child_process')
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  // Ctrl-C reaches the whole group: the child decides what it means. Others are passed on.
  process.on('SIGINT', () => undefined)
  for (const signal of ['SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal))
  child.on('error', error => {
    process.stderr.write(`reops: cannot start ${node}: ${error.message}\n`)
    process.exit(3)
  })
  child.on('exit', (code, signal) => process.exit(code ?? (signal === 'SIGINT' ? 130 : 143)))
}
