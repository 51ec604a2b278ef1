import { expect, test } from '@jest/globals'
import type { Host } from '@re-ops/protocols'
import { makeTemplates } from './templates.ts'

const host = {
  id: '1',
  name: 'web-1',
  labels: { role: 'web' },
  facts: { os: { id: 'debian' }, cpus: 4 },
} as unknown as Host
let count = 0
const render = (text: string, values: Record<string, unknown> = {}) =>
  makeTemplates().render(String((count += 1)), text, host, values)

test('a template knows its host, its labels, its facts and the given values', () => {
  const text =
    '{{ host.name }} {{ labels.role | upcase }} {{ facts.os.id }} {{ facts.cpus | times: 2 }} {% if tls %}s{% endif %}{{ ports | join: "," }}'
  expect(render(text, { tls: true, ports: [80, 443] })).toBe('web-1 WEB debian 8 s80,443')
})

test('what may be missing is said to be', () => {
  expect(render('{{ labels.none | default: "no" }}{% if labels.none %}x{% else %}y{% endif %}')).toBe('noy')
})

test.each([
  ['{{ nothing }}', /undefined variable: nothing/],
  ['{{ labels.none }}', /undefined variable: labels.none/],
  ['{{ host.name | no_such }}', /undefined filter: no_such/],
  ['{% include "/etc/passwd" %}', /ENOENT/],
  ['{% render "/etc/passwd" %}', /ENOENT/],
  ['{{ host.constructor.name }}', /undefined variable/],
  ['{{ host.__proto__.x }}', /undefined variable/],
  ['{% if', /tag "\{% if" not closed/],
  ['{% for a in (1..3000000) %}{% for b in (1..3000000) %}x{% endfor %}{% endfor %}', /limit exceeded/],
])('%s is refused', (text, why) => {
  expect(() => render(text)).toThrow(why)
})
