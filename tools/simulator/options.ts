import { parseArgs } from 'node:util'
import { checkShares, faultNames, type Shares } from './faults.ts'
import type { FleetOptions } from './fleet.ts'

export const usage = `usage: npm run -s simulator -- --agents N --url URL --token TOKEN [options]

Simulated agents of a running re-mote: real in all but their processes, with keys, journal and ring on disk.

  --agents N        how many; each is a host NAME-00001, ... with the label simulated=true
  --processes N     in how many processes (default: one for each 1,250 agents)
  --url URL         re-mote, for example http://127.0.0.1:7020
  --token TOKEN     an access token that may make enrolments, or an enrolment token re1...; default $REOPS_TOKEN
  --state FOLDER    one folder an agent; kept, so that the same agents come back (default .reops/simulator)
  --name NAME       default sim
  --label KEY=VALUE more labels, may be repeated
  --faults LIST     from the start, as in the command below
  --seed N          the same seed gives the same chances (default 1)

While it runs it takes one command a line:
  stats                       counts, and what it costs
  faults WHICH LIST|none      LIST is ${faultNames.map(name => `${name}=0.01`).join(',')}
                              (shares of messages), delayMs=200, slowReaderMs=50, direction=in|out
  crash|cut|half-open WHICH   memory lost and started again; link lost; link stays and carries nothing
  kill PROCESS                kill -9 of one of its processes, counted from 0; it is started again
  stop
WHICH is all, a share (0.1) or names (sim-00001,sim-00002).

re-mote lets one address enrol 600 agents a minute; REMOTE_ENROLS_PER_MINUTE sets another limit.`

const perProcess = 1_250

const whole = (name: string, text: string): number => {
  const value = Number(text)
  if (!Number.isInteger(value) || value < 1 || value > 100_000)
    throw new Error(`--${name} is ${JSON.stringify(text)}; allowed: a whole number, 1 to 100000`)
  return value
}

/** `drop=0.1,delayMs=200` as shares; `none` is none. Throws with one line. */
export const parseFaults = (text: string): Shares => {
  if (text === 'none' || text === '') return {}
  const pairs = text.split(',').map(pair => {
    const [key = '', value = ''] = pair.split('=')
    return [key.trim(), key.trim() === 'direction' || value.trim() === '' ? value.trim() : Number(value)] as const
  })
  return checkShares(Object.fromEntries(pairs) as Shares)
}

/** What the command line asks for; `null`: the usage. Throws with one line. */
export const readOptions = (
  args: readonly string[],
  environment: Readonly<Record<string, string | undefined>>,
): FleetOptions | null => {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: [...args],
    options: {
      help: { type: 'boolean', short: 'h' },
      agents: text,
      processes: text,
      url: text,
      token: text,
      state: text,
      name: text,
      faults: text,
      seed: text,
      label: { type: 'string', multiple: true },
    },
  })
  if (values.help) return null
  const needed = (name: string, value: string | undefined): string => {
    if (!value) throw new Error(`--${name} is not given; --help shows how`)
    return value
  }
  const agents = whole('agents', needed('agents', values.agents))
  return {
    agents,
    processes: values.processes ? whole('processes', values.processes) : Math.ceil(agents / perProcess),
    moteUrl: needed('url', values.url),
    token: needed('token', values.token ?? environment['REOPS_TOKEN']),
    stateFolder: values.state ?? '.reops/simulator',
    name: values.name ?? 'sim',
    labels: Object.fromEntries(
      (values.label ?? []).map(pair => {
        const at = pair.indexOf('=')
        if (at < 1) throw new Error(`--label is ${JSON.stringify(pair)}; allowed: key=value`)
        return [pair.slice(0, at), pair.slice(at + 1)] as const
      }),
    ),
    faults: parseFaults(values.faults ?? 'none'),
    seed: values.seed ? whole('seed', values.seed) : 1,
  }
}
