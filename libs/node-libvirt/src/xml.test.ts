import { expect, test } from '@jest/globals'
import fc from 'fast-check'
import { element, find, parseXml, textOf, writeXml, XmlError, type Element } from './xml.ts'

const name = fc.stringMatching(/^[a-z][a-z0-9:_-]{0,8}$/)
const written = fc.string({ maxLength: 20 }).filter(text => Array.from(text).every(char => char >= ' '))
const tree = fc.letrec<{ element: Element }>(tie => ({
  element: fc
    .tuple(
      name,
      fc.dictionary(name, written, { maxKeys: 3 }),
      fc.oneof(
        { depthSize: 'small' },
        fc.constant([]),
        fc.array(tie('element'), { maxLength: 3 }),
        written.map(t => [t]),
      ),
    )
    .map(([name, attributes, children]) => element(name, attributes, ...children)),
})).element

test('what is written is read back', () => {
  fc.assert(
    fc.property(tree, one => {
      const read = parseXml(writeXml(one))
      expect(writeXml(read)).toBe(writeXml(one))
      expect(textOf(read)).toBe(textOf(one))
    }),
  )
})

test('anything else is an XmlError', () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(...Array.from('<>/a b="\'&;![]-?')) }), text => {
      try {
        parseXml(text)
      } catch (error) {
        expect(error).toBeInstanceOf(XmlError)
      }
    }),
    { numRuns: 500 },
  )
})

test('elements are found by their path, past comments and declarations', () => {
  const text = `<?xml version="1.0"?><!-- a --><domain type='kvm'><name>a &amp; b&#x21;</name>
    <devices><disk dev="vda"/><disk dev='vdb'/></devices><note><![CDATA[<x>]]></note></domain>`
  const domain = parseXml(text)
  expect(domain.attributes['type']).toBe('kvm')
  expect(find(domain, 'devices', 'disk').map(one => one.attributes['dev'])).toEqual(['vda', 'vdb'])
  expect([...find(domain, 'name'), ...find(domain, 'note')].map(textOf)).toEqual(['a & b!', '<x>'])
})

test.each([
  ['<a>', '<a> is not closed'],
  ['<a></b>', '</b> closes <a>'],
  ['', 'one element is wanted'],
  ['<a/><b/>', 'one element is wanted'],
  ['<a b></a>', 'attributes that cannot be read'],
  [`${'<a>'.repeat(200)}${'</a>'.repeat(200)}`, 'more than 100 elements'],
])('%.20s: %s', (text, why) => {
  expect(() => parseXml(text)).toThrow(why)
})

test('a character that XML cannot hold is refused, not dropped', () => {
  expect(() => writeXml(element('a', {}, 'b\u0001'))).toThrow(XmlError)
})
