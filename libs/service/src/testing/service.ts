import { createServer } from 'node:http'
import { Type } from 'typebox'
import { writeAddressFile } from '../address-file.ts'
import { loadConfig } from '../config.ts'
import { ensureFolder } from '../ensure-file.ts'
import { checkDatabase } from '../open-database.ts'
import { runService } from '../run-service.ts'

/** The smallest service, run by the tests as a process. */
const Config = Type.Object({
  port: Type.Integer({ env: 'TRY_PORT', minimum: 0, maximum: 65_535, default: 0 }),
  state: Type.String({ env: 'REOPS_STATE' }),
  databaseUrl: Type.Optional(Type.String({ env: 'DATABASE_URL', redact: true })),
  bug: Type.Boolean({ env: 'TRY_BUG', default: false }),
  slow: Type.Boolean({ env: 'TRY_SLOW', default: false }),
})

await runService({
  name: 'try',
  start: async ({ onStop }) => {
    const config = loadConfig(Config, { environment: process.env })
    const state = await ensureFolder(config.state, 'REOPS_STATE')
    if (config.databaseUrl) await checkDatabase(config.databaseUrl, 0)
    onStop('first', () => process.stdout.write('first stopped\n'))
    const server = createServer()
    onStop('server', () =>
      new Promise(resolve => server.close(resolve)).then(() => process.stdout.write('server stopped\n')),
    )
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(config.port, '127.0.0.1', resolve)
    })
    const address = server.address()
    const url = `http://127.0.0.1:${typeof address === 'object' ? address?.port : 0}`
    const file = await writeAddressFile(state, 'try', { url })
    onStop('address file', () => file.remove())
    if (config.slow) onStop('slow part', () => new Promise(resolve => setTimeout(resolve, 60_000)))
    if (config.bug) setTimeout(() => JSON.parse('{'), 10)
    return { url }
  },
})
