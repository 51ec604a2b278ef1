import { describe, expect, test } from '@jest/globals'
import fc from 'fast-check'
import { readAnsible } from './ansible-read.ts'
import { writeAnsibleIni, writeAnsibleYaml } from './ansible-write.ts'
import { InventoryError, type HostEntry } from './entry.ts'
import { readInventoryFile, writeJson, writeYaml } from './file.ts'

const byName = (hosts: readonly HostEntry[]) => Object.fromEntries(hosts.map(({ name, ...rest }) => [name, rest]))

const ini = `
# a comment
bastion ansible_host=192.0.2.1 ansible_user=jump
mail.example.com:2222   # hosts may have a port

[web]
web[01:03] ansible_user=admin rack="row 7" # all three
web-[a:c:2].example.com ansible_ssh_common_args='-o ProxyJump=bastion'

[db]
db1 ansible_host=10.0.0.9 ansible_ssh_private_key_file=~/.ssh/db_key version=1.10 tier='gold'
local ansible_connection=local

[prod:children]
web
db

[prod:vars]
env = prod
tier=silver
greeting = "hello # there"

[web:vars]
ansible_port=2200
tier=bronze
db_password=do-not-copy
ansible_become_password=do-not-copy
pool={{ hostvars }}
`
const yaml = `
all:
  vars: { env: none }
  hosts:
    bastion: { ansible_host: 192.0.2.1, ansible_user: jump }
    mail.example.com: { ansible_port: 2222 }
  children:
    prod:
      vars: { env: prod, tier: silver, greeting: "hello # there" }
      children:
        web:
          vars: { ansible_port: 2200, tier: bronze, db_password: do-not-copy, list: [1, 2], key: !vault "$ANSIBLE_VAULT;1.1" }
          hosts:
            web[01:03]: { ansible_user: admin, rack: row 7 }
            web-[a:c:2].example.com: { ansible_ssh_common_args: -o ProxyJump=bastion }
        db:
          hosts:
            db1: { ansible_host: 10.0.0.9, ansible_ssh_private_key_file: ~/.ssh/db_key, version: 1.10, tier: gold }
            local: { ansible_connection: local }
`

describe('an Ansible inventory', () => {
  const web = {
    labels: { 'group/web': 'true', 'group/prod': 'true', env: 'prod', tier: 'bronze', greeting: 'hello # there' },
  }
  const expected = {
    web01: { labels: { ...web.labels, rack: 'row 7' }, ssh: { address: 'web01', port: 2200, user: 'admin' } },
    web02: { labels: { ...web.labels, rack: 'row 7' }, ssh: { address: 'web02', port: 2200, user: 'admin' } },
    web03: { labels: { ...web.labels, rack: 'row 7' }, ssh: { address: 'web03', port: 2200, user: 'admin' } },
    'web-a.example.com': { ...web, ssh: { address: 'web-a.example.com', port: 2200, jump: 'bastion' } },
    'web-c.example.com': { ...web, ssh: { address: 'web-c.example.com', port: 2200, jump: 'bastion' } },
    db1: {
      labels: { ...web.labels, 'group/db': 'true', version: '1.10', tier: 'gold' },
      ssh: { address: '10.0.0.9', identity: ['file:db_key'] },
    },
  }
  const { 'group/web': _, ...dbLabels } = expected.db1.labels

  test('in its INI form: groups, children, variables by precedence, ranges; secrets stay where they are', () => {
    const { hosts, notes } = readAnsible(ini, 'hosts.ini')
    expect(byName(hosts)).toEqual({
      bastion: { labels: {}, ssh: { address: '192.0.2.1', user: 'jump' } },
      'mail.example.com': { labels: {}, ssh: { address: 'mail.example.com', port: 2222 } },
      ...expected,
      db1: { ...expected.db1, labels: dbLabels },
    })
    expect(notes).toEqual([
      'hosts.ini: db_password: may be a secret, and labels are seen by many, left out',
      'hosts.ini: pool: is a list, a mapping or a template, which no label can be, left out',
      'hosts.ini: ansible_become_password: is a secret; store it by `reops secrets` and name it in the SSH settings, left out',
      'hosts.ini: ~/.ssh/db_key: is a private key of this machine; put it into the SSH folder of the service as db_key',
      'hosts.ini: local: is not reached over SSH (ansible_connection=local), left out',
    ])
    expect(JSON.stringify([hosts, notes])).not.toContain('do-not-copy')
  })

  test('in its YAML form it is the same', () => {
    const { hosts, notes } = readAnsible(yaml, 'hosts.yml')
    expect(byName(hosts)).toEqual({
      bastion: { labels: { env: 'none' }, ssh: { address: '192.0.2.1', user: 'jump' } },
      'mail.example.com': { labels: { env: 'none' }, ssh: { address: 'mail.example.com', port: 2222 } },
      ...expected,
      db1: { ...expected.db1, labels: dbLabels },
    })
    expect(notes).toContain('hosts.yml: key: is a secret, left out')
    expect(JSON.stringify([hosts, notes])).not.toMatch(/do-not-copy|ANSIBLE_VAULT/)
  })

  test.each([
    ['a.ini', '[web\nx', 'a.ini, line 1: `[web`: a bracket'],
    ['a.ini', 'a\nweb[5:1]', 'a.ini, line 2: [5:1] is not a range'],
    ['a.ini', 'web[1:99999]', 'more than 10000 hosts'],
    ['a.ini', 'web "x', 'a.ini, line 1: a closing " is missing'],
    ['a.ini', 'web user', 'a.ini, line 1: `user` is not key=value'],
    ['a.ini', '[a:kids]', 'a.ini, line 1: [a:kids] is not a section'],
    ['a.ini', 'web ansible_port=ssh', 'a.ini: host web: port "ssh" is not a whole number from 1 to 65535'],
    ['a.ini', 'bad_über', 'a.ini: host "bad_über": a name has letters'],
    ['a.ini', '[a:children]\nb\n[b:children]\na', 'group a is among its own children: a -> b -> a'],
    ['a.yml', 'all: [1]', 'a.yml: all must be a mapping'],
    ['a.yml', 'all:\n  host: {}', 'a.yml: all.host is unknown; a group has hosts, children and vars'],
    ['a.yml', 'all: {', 'a.yml: '],
    ['a.yml', 'all: { hosts: { x: { reops_ssh: "[1]" } } }', 'a.yml: host x: reops_ssh is not a JSON object'],
  ])('%s: %j is refused', (file, text, why) => {
    expect(() => readAnsible(text, file)).toThrow(InventoryError)
    expect(() => readAnsible(text, file)).toThrow(why)
  })

  test('of any text is read or refused, never more', () => {
    const lines = fc.constantFrom('[web]', '[a:children]', '[web:vars]', 'web', 'web[1:3]', 'x y=1', "x y='a b'", 'k=v', '[', "'", '#', 'all:', '  hosts:', '    a: {b: c}', '&x *x') // prettier-ignore
    const texts = fc.oneof(
      fc.string(),
      fc.array(lines, { maxLength: 12 }).map(list => list.join('\n')),
    )
    fc.assert(
      fc.property(texts, fc.constantFrom('a.ini', 'a.yml'), (text, file) => {
        try {
          readAnsible(text, file)
          readInventoryFile(text, file)
        } catch (error) {
          expect(error).toBeInstanceOf(InventoryError)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

describe('an inventory file', () => {
  test('is a list of hosts, as YAML or JSON', () => {
    const text = `
hosts:
  - name: web-1
    address: 10.0.0.7
    labels: { role: web, version: 1.10, live: yes }
    ssh: { user: admin, port: 2222, identity: [file:web], agent: true }
  - { name: with-agent, labels: { env: test } }
`
    const expected = {
      'web-1': {
        labels: { role: 'web', version: '1.10', live: 'yes' },
        ssh: { address: '10.0.0.7', user: 'admin', port: 2222, identity: ['file:web'], agent: true },
      },
      'with-agent': { labels: { env: 'test' } },
    }
    expect(byName(readInventoryFile(text, 'hosts.yml').hosts)).toEqual(expected)
    const json = JSON.stringify([{ name: 'web-1', address: '10.0.0.7' }])
    expect(byName(readInventoryFile(json, 'hosts.json').hosts)).toEqual({
      'web-1': { labels: {}, ssh: { address: '10.0.0.7' } },
    })
  })

  test.each([
    ['x', 'f.yml: needs a list of hosts'],
    ['[web]\nw1 ansible_host=10.0.0.1\n', 'f.yml: Unexpected scalar at node end at line 2, column 1; an Ansible'],
    ['all:\n  hosts:\n    w1: {}\n', 'or `hosts:` with a list; an Ansible inventory is read with --ansible'],
    ['- name: a\n- name: a', 'f.yml: host a is there twice'],
    ['- nam: a', 'f.yml: hosts[0]: unknown field `nam`; allowed are name, address, labels, ssh'],
    ['- name: a b', 'f.yml: hosts[0].name: needs letters'],
    ['- { name: a, ssh: { user: x } }', 'f.yml: hosts[0]: SSH settings need an `address`'],
    ['- { name: a, address: b, ssh: { port: 0 } }', 'f.yml: hosts[0].ssh: port 0 is not a whole number'],
    ['- { name: a, labels: { 1x: y } }', 'f.yml: hosts[0].labels: `1x` is no label'],
    ['- { name: a, labels: { x: [y] } }', 'f.yml: hosts[0].labels: `x` is no label'],
    ['- [', 'f.yml: '],
  ])('%j is refused', (text, why) => {
    expect(() => readInventoryFile(text, 'f.yml')).toThrow(InventoryError)
    expect(() => readInventoryFile(text, 'f.yml')).toThrow(why)
  })
})

describe('what is exported and imported again is the same', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,12}$/)
  const key = fc.oneof(
    fc.stringMatching(/^[A-Za-z][A-Za-z0-9_./-]{0,12}$/),
    fc.constantFrom(
      'role',
      'port',
      'ansible_user',
      'reops_ssh',
      'group/web',
      'group/all',
      'group/a b',
      'db_password',
      '__proto__x',
    ),
  )
  const text = fc.oneof(
    fc.constantFrom('true', 'false', 'null', '010', '1.10', '0x1f', 'yes', '~', '', "it's", '"q"', "'q'", '#c', 'a # b', '{{ x }}', '- x', 'a: b', '12:30', '\n', ' padded ', '$ANSIBLE_VAULT;x', '\\u0027', 'é'),
    fc.string({ maxLength: 20 }),
  ) // prettier-ignore
  const labels = fc
    .dictionary(key, text, { maxKeys: 6 })
    .map(all =>
      Object.fromEntries(
        Object.entries(all).filter(([k, v]) => /^[A-Za-z][A-Za-z0-9_./-]*$/.test(k) && !v.includes('\0')),
      ),
    )
  const ssh = fc
    .record(
      {
        address: fc.constantFrom('10.0.0.7', 'fd00::7', 'web.example.com'),
        port: fc.integer({ min: 1, max: 65_535 }),
        user: fc.constantFrom('root', 'admin'),
        identity: fc.constantFrom(['file:web'], ['file:sub/web'], ['secret:ssh/web'], ['file:a', 'secret:ssh/b']),
        jump: fc.constantFrom('bastion', 'b.1'),
        hostKey: fc.constant('accept-new'),
        agent: fc.boolean(),
        become: fc.constant('secret:ssh/sudo'),
      },
      { requiredKeys: ['address'] },
    )
    .map(one => one as NonNullable<HostEntry['ssh']>)
  const hosts = fc.uniqueArray(
    fc
      .record({ name, labels, ssh: fc.option(ssh, { nil: undefined }) })
      .map(({ ssh: way, ...host }): HostEntry => ({ ...host, ...(way ? { ssh: way } : {}) })),
    { selector: host => host.name, maxLength: 8 },
  )

  test.each([
    ['yaml', (all: HostEntry[]) => readInventoryFile(writeYaml(all), 'x.yml')],
    ['json', (all: HostEntry[]) => readInventoryFile(writeJson(all), 'x.json')],
    ['ansible', (all: HostEntry[]) => readAnsible(writeAnsibleIni(all), 'x.ini')],
    ['ansible-yaml', (all: HostEntry[]) => readAnsible(writeAnsibleYaml(all), 'x.yml')],
  ])('as %s', (_, again) => {
    fc.assert(
      fc.property(hosts, all => {
        const { hosts: read, notes } = again(all)
        expect(byName(read)).toEqual(byName(all))
        expect(notes).toEqual([])
      }),
      { numRuns: 300 },
    )
  })
})
