import { describe, expect, test } from '@jest/globals'
import type { CreateSystems, Words } from '@re-ops/protocols'
import { withShipped } from './all.ts'
import { WordError } from './layers.ts'
import { compose, meaningOf, valuesOf, withSizeOptions } from './resolve.ts'
import { shippedWords } from './shipped.ts'

const words = (stored: Words) => withShipped(stored)
const layered = words({
  presets: {
    default: { labels: { owner: 'ops', tier: 'low' }, size: 'small' },
    cheap: { options: { market: 'spot' } },
    eu: { presets: ['cheap'], provider: 'ec2', account: 'aws', region: 'home', labels: { tier: 'eu' } },
    big: { size: 'large', options: { diskGb: 50 } },
  },
  types: { web: { presets: ['eu'], size: 'medium', labels: { role: 'web' }, options: { diskGb: 20 } } },
  sizes: { db: { on: { ec2: 'r6i.large' }, options: { diskGb: 100 } } },
  regions: { home: { on: { ec2: 'eu-central-1', digitalocean: 'fra1' } } },
})
const of = (body: Omit<CreateSystems, 'name'>) => compose(layered, { name: 'a', ...body })

describe('words compose', () => {
  test('default < presets of the type < type < presets asked for < given; labels and options by key', () => {
    const said = of({ type: 'web', presets: ['big'], labels: { tier: 'given' } })
    expect(said.fields.size).toEqual({ value: 'large', from: 'preset big' })
    expect(said.labels).toEqual({
      owner: { value: 'ops', from: 'preset default' },
      tier: { value: 'given', from: 'given' },
      role: { value: 'web', from: 'type web' },
    })
    expect(said.options).toEqual({
      market: { value: 'spot', from: 'preset cheap' },
      diskGb: { value: 50, from: 'preset big' },
    })
    expect(of({ type: 'web' }).fields.size).toEqual({ value: 'medium', from: 'type web' })
    expect(of({}).fields.size).toEqual({ value: 'small', from: 'preset default' })
  })

  test('who names another provider means none of the accounts and regions below, and the other way', () => {
    expect(valuesOf(of({ type: 'web' }).place)).toEqual({ provider: 'ec2', account: 'aws', region: 'home' })
    expect(valuesOf(of({ type: 'web', provider: 'digitalocean' }).place)).toEqual({ provider: 'digitalocean' })
    expect(valuesOf(of({ type: 'web', account: 'do-main' }).place)).toEqual({ account: 'do-main' })
    expect(valuesOf(of({ type: 'web', region: 'eu-west-1' }).place)).toMatchObject({
      account: 'aws',
      region: 'eu-west-1',
    })
  })

  test('a size brings options above those of types and below what is given', () => {
    const said = { value: 'db', from: 'given' }
    const size = meaningOf(layered, 'sizes', said, 'ec2')
    expect(size.said).toEqual({ value: 'r6i.large', from: 'size db' })
    const options = (body: Omit<CreateSystems, 'name'>) =>
      valuesOf(withSizeOptions(of(body).options, size.said, size.word))
    expect(options({ type: 'web' })).toMatchObject({ diskGb: 100, market: 'spot' })
    expect(options({ type: 'web', options: { diskGb: 7 } })).toMatchObject({ diskGb: 7 })
  })

  test('a word means what it is called at the provider; elsewhere it is refused with where it means something', () => {
    const at = (name: string, provider: 'local' | 'kvm' | 'ec2' | 'digitalocean') =>
      meaningOf(layered, 'sizes', { value: name, from: 'type web' }, provider).said
    expect(at('small', 'ec2')).toEqual({ value: 't3.small', from: 'size small of type web' })
    expect(at('m7i.large', 'ec2')).toEqual({ value: 'm7i.large', from: 'type web' })
    expect(() => at('db', 'kvm')).toThrow(
      new WordError('/size', 'size db has no meaning at provider kvm; allowed: ec2'),
    )
  })

  test('a preset that is not there, or stands on itself, is told with its path', () => {
    expect(() => of({ presets: ['cheap', 'nope'] })).toThrow('preset is nope; allowed: big, cheap, default, eu')
    const circle = words({ presets: { a: { presets: ['b'] }, b: { presets: ['a'] } } })
    expect(() => compose(circle, { name: 'x', presets: ['a'] })).toThrow('preset a stands on itself (a on b on a)')
  })

  test('every shipped size and the images of all providers mean something everywhere; a saved word adds to it', () => {
    for (const [name, { on }] of Object.entries(shippedWords.sizes))
      expect([name, ...Object.keys(on).toSorted()]).toEqual([name, 'digitalocean', 'ec2', 'kvm', 'local'])
    for (const name of ['debian-12', 'debian-13', 'ubuntu-24.04'])
      expect(Object.keys(shippedWords.images[name]?.on ?? {})).toHaveLength(4)
    const own = words({ sizes: { small: { on: { ec2: 't3a.small' } } } }).sizes['small']
    expect(own?.on).toMatchObject({ ec2: 't3a.small', digitalocean: 's-1vcpu-1gb', local: 'process' })
  })
})
