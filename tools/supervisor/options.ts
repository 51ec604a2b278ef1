export type Options = {
  readonly once: boolean
  readonly help: boolean
  readonly state: string
}
export type Parsed = { readonly ok: Options } | { readonly wrong: string }

export const usage = `npm start [-- OPTIONS]

Starts Postgres, re-mote, re-core, an agent of this machine and, the first time, three local systems; shows facts of all
hosts; stays until Ctrl-C, which stops everything (the next start powers the systems on again).

  --once         end after the first results, leaving nothing running
  --state DIR    the state folder (default: REOPS_STATE, else .reops)
  --help

Environment:
  REOPS_STATE          the state folder
  REMOTE_PORT          HTTP of re-mote (7020); 0 = any free port, here and below
  RECORE_PORT          HTTP of re-core (7010)
  REMOTE_BROKER_PORT   where agents connect (7022)
  DATABASE_URL         a PostgreSQL of your own instead of the embedded one
`

export const parseOptions = (
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): Parsed => {
  let [once, help, state] = [false, false, environment['REOPS_STATE'] || '.reops']
  const rest = [...args]
  for (let arg = rest.shift(); arg !== undefined; arg = rest.shift()) {
    const [name, inline] = arg.startsWith('--state=') ? ['--state', arg.slice('--state='.length)] : [arg, undefined]
    if (name === '--once') once = true
    else if (name === '--help' || name === '-h') help = true
    else if (name === '--state') {
      const value = inline ?? rest.shift()
      if (!value || value.startsWith('--')) return { wrong: '--state needs a folder: --state DIR' }
      state = value
    } else return { wrong: `${JSON.stringify(arg)} is not known; allowed: --once, --state DIR, --help` }
  }
  return { ok: { once, help, state } }
}
