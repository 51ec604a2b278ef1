export type BadCommand = {
  readonly args: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
  readonly code: 2 | 3
  readonly says: RegExp
}

const on = ['--on', '*'] as const
const wrong = (args: readonly string[], says: RegExp): BadCommand => ({ args, code: 2, says })
const create = (...options: readonly string[]) => ['systems', 'create', '--name', 'never', ...options]
const notAllowed = (says: RegExp, args: readonly string[], environment: Record<string, string>): BadCommand => ({
  args,
  environment,
  code: 3,
  says,
})

/** Wrong usage and wrong access at the command line: exit code and the one line. */
export const badCommands = (taken: string, small: string, expired: string): readonly BadCommand[] => [
  wrong(['run', 'pnig', ...on], /no operation "pnig"; did you mean ping\? allowed are .*\bfacts\b/),
  wrong(['run', 'pnig', 'x=1', ...on], /unknown operation `pnig`; did you mean `ping`\? \(there are .*\bfacts\b/),
  wrong(['run', 'process.list', 'top=three', ...on], /input `top` of process\.list must be whole number; got `three`/),
  wrong(['run', 'process.list', 'by=colour', ...on], /input `by` .* must be "cpu" or "memory"; got `colour`/),
  wrong(['run', 'process.list', 'by:="colour"', ...on], /input\/by must be one of cpu, memory$/),
  wrong(['run', 'process.list', 'topp=1', ...on], /has no input `topp`; allowed: top .*, by /),
  wrong(['run', 'process.list', 'top:={', ...on], /input `top` of process\.list: what stands behind := is not JSON/),
  wrong(['run', 'process.list', 'top', ...on], /`top` is not key=value or key:=json/),
  wrong(['run', 'shell', ...on], /needs exactly one of argv, script/),
  wrong(
    ['run', 'file.line', ...on],
    /file\.line needs input `path`, and `line` or `match` and `state`; allowed: path /,
  ),
  wrong(['run', 'ping'], /on which hosts\? give --on <selector>/),
  wrong(['run', 'ping', '--on', 'web and'], /selector, character 8: found the end, expected /),
  wrong(['run', 'ping', '--on', 'role=none'], /no host matches "role=none"; .*--allow-none/),
  wrong(['run', 'ping', ...on, '--timeout', 'soon'], /--timeout: `soon` is not a duration; write for example 500ms/),
  wrong(['run', 'ping', ...on, '--colour'], /unknown option '--colour'.*--help lists what is allowed/),
  wrong(['frobnicate'], /unknown command 'frobnicate'.*--help lists what is allowed/),
  wrong(['hosts', '--on', 'role=none'], /selector `role=none` matches no host; allow that with --allow-none/),
  wrong(['runs', 'show', 'nope'], /no run `nope` among the latest \d+; `reops runs` lists them/),
  wrong(['runs', '--limit', '0'], /--limit: `0` is not a whole number from 1 to 500/),
  wrong(['jobs', '--system', 'nope'], /no system has the id or name nope/),
  wrong(['systems', 'show', 'nope'], /no system is called nope; `reops systems list` shows what there is/),
  wrong(['systems', 'create', '--name', 'a b'], /\/body\/name must match pattern .*\(letters, digits/),
  wrong(['systems', 'create', '--name', taken], /is taken by a system that is not gone; choose another/),
  wrong(
    create('--provider', 'azure'),
    /'azure' is invalid\. Allowed choices are local, kvm, ec2, digitalocean, physical/,
  ),
  wrong(
    create('--provider', 'ec2'),
    /account is not given; allowed of provider ec2: none yet \(PUT \/v1\/accounts\/<name> makes one\)/,
  ),
  wrong(
    [
      'accounts',
      'set',
      'lab',
      '--provider',
      'physical',
      '--region',
      'a',
      '--secret',
      'env:NONE',
      'machines:={"nas":{"mac":"1"}}',
    ],
    /settings\/machines\/nas must have required properties address, hostKey/,
  ),
  wrong(create('--size', 'giant'), /size is giant; allowed of provider local: process/),
  wrong(create('--count', '201'), /--count: `201` is not a whole number from 1 to 200/),
  wrong(create('--image', 'snapshot:none'), /image is snapshot:none; there is no such snapshot/),
  wrong(['systems', 'resize', taken, '--yes'], /which size\? give --size <size>/),
  wrong(['systems', 'stop', taken, '--yes', '--force-after', 'soon'], /--force-after: `soon` is not a duration/),
  wrong(['systems', 'reboot', taken], /would reboot 1 system: .*; say --yes/),
  wrong(['systems', 'label', taken, 'a b=c'], /`a b=c` is neither key=value/),
  wrong(['systems', 'clone', taken], /what shall the clone be called\? give --name <stem>/),
  wrong(['snapshots', 'delete', 'none', '--yes'], /no snapshot has the id or name none/),
  wrong(['jobs', 'retry', 'nope'], /no job `nope` among the latest \d+; `reops jobs` lists them/),
  wrong(create('--volume', '0'), /--volume: `0` is not a whole number from 1 to 16384/),
  wrong(create('--volume', '10:Da_ta'), /--volume: `10:Da_ta` is not GB or GB:NAME; a name is lower case letters/),
  wrong(create('--volume', '10'), /\/body\/options\/volumes is given, and provider local has none/),
  wrong(create('--firewall', 'web'), /\/body\/options\/firewalls is given, and provider local has none/),
  wrong(
    create('--key', 'ann'),
    /\/body\/options\/keys is given, .* has none; sshKeys takes the public keys themselves/,
  ),
  wrong(create('--label', 'nope'), /--label: `nope` is not key=value/),
  wrong(create('--lease', 'soon'), /--lease: `soon` is not a duration; write for example 500ms/),
  wrong(create('--lease', '5s'), /--lease: `5s` is out of range; allowed is 60s to 2678400s/),
  wrong(
    create('--lease', '2h', '--max-life', '1h'),
    /lease\.forMs is 7200000; allowed below lease\.maxLifeMs: 3600000/,
  ),
  wrong(create('--on-end', 'stop'), /lease has neither forMs nor maxLifeMs; give one/),
  wrong(create('--on-end', 'sell'), /'sell' is invalid\. Allowed choices are destroy, stop/),
  wrong(['leases', 'renew'], /which systems\? give names or --on <selector>/),
  wrong(
    ['quotas', 'set', 'ci', '--max-systems', 'many'],
    /--max-systems: `many` is not a whole number from 0 to 10000/,
  ),
  wrong(['quotas', 'remove', 'nobody'], /nobody has no quota; there are: /),
  wrong(['leases', 'remove', taken], /would take the lease from 1 system: .*; say --yes/),
  wrong(create('--fix', 'size'), /--fix: `size` is not allowed; allowed are power, labels, protection, or none/),
  wrong(
    create('--on-lost', 'cry'),
    /'cry' is invalid\. Allowed choices are alert, recreate, recreate-on-demand, forget/,
  ),
  wrong(['systems', 'unmanaged', '--account', 'nope'], /account is nope; allowed: local/),
  wrong(['systems', 'import', 'local', 'x'], /what shall it be called\? give --name <name>/),
  wrong(['systems', 'import', 'local', 'x', '--name', 'x'], /provider local has no machines but those it makes/),
  wrong(['systems', 'policy', taken], /what shall change\? give --fix, --on-lost or --manage/),
  wrong(['systems', 'forget', taken], /would forget 1 system: .*; say --yes/),
  wrong(['accounts', 'show', 'nope'], /no account has the name nope; GET \/v1\/accounts lists them/),
  wrong(['systems', 'adopt', 'nope'], /no system is called nope; `reops systems list` shows what there is/),
  wrong(['notices', '--limit', '0'], /--limit: `0` is not a whole number from 1 to 10000/),
  wrong(['systems', 'destroy', taken], /would destroy 1 system: .*; say --yes/),
  wrong(['systems', 'list', '--on', 'role=none'], /selector `role=none` matches none of \d+ systems; .*--allow-none/),
  wrong(['token', 'create', '--subject', 'a', '--scope', 'all'], /--scope: `all` is not a scope; allowed are admin, /),
  {
    ...wrong(['hosts'], /REOPS_MOTE_URL: `nope` is not an address; allowed is http/),
    environment: { REOPS_MOTE_URL: 'nope' },
  },
  notAllowed(/the token is not genuine; send /, ['hosts'], { REOPS_TOKEN: 'garbage' }),
  notAllowed(/the token is not genuine; send /, ['systems', 'list'], { REOPS_TOKEN: 'garbage' }),
  notAllowed(/the API token holds a space, a line break or /, ['hosts'], { REOPS_TOKEN: 'canary\ncanary' }),
  notAllowed(/the token has expired; send /, ['run', 'ping', ...on], { REOPS_TOKEN: expired }),
  notAllowed(/this needs scope runs:write; .* has runs:read/, ['run', 'ping', ...on], { REOPS_TOKEN: small }),
  notAllowed(/re-mote at \S+ is unreachable: no such host name/, ['hosts'], {
    REOPS_MOTE_URL: 'http://no-such-host.invalid',
  }),
]
