/** An XML element: its name, attributes, and what is in it, in order. */
export type Element = {
  readonly name: string
  readonly attributes: Readonly<Record<string, string>>
  readonly children: readonly (Element | string)[]
}

/** The text is not XML of the kind libvirt writes; says where. */
export class XmlError extends Error {
  override readonly name = 'XmlError'
}

const entities: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" }
const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&apos;',
}
const escaped = (text: string) => text.replaceAll(/[&<>"']/g, c => escapes[c] ?? c)
/** XML 1.0 knows no way to write control characters, but for tab and the ends of lines. */
const isWritable = (text: string): boolean => Array.from(text).every(c => c >= ' ' || '\t\n\r'.includes(c))

const unescaped = (text: string): string =>
  text.replaceAll(/&(#x[0-9a-f]{1,6}|#[0-9]{1,7}|\w+);/gi, (whole, name: string) => {
    if (!name.startsWith('#')) return entities[name] ?? whole
    const code = name[1]?.toLowerCase() === 'x' ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1))
    return code <= 0x10_ffff ? String.fromCodePoint(code) : whole
  })

type Attributes = Readonly<Record<string, string | number | undefined>>
/** An element; attributes that are undefined and children that are null or empty text are left out. */
export const element = (
  name: string,
  attributes: Attributes = {},
  ...children: readonly (Element | string | number | null)[]
): Element => ({
  name,
  attributes: Object.fromEntries(
    Object.entries(attributes).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  ),
  children: children.flatMap(child =>
    child === null || child === '' ? [] : [typeof child === 'number' ? String(child) : child],
  ),
})

/** Throws XmlError for a character that XML cannot hold. */
export const writeXml = ({ name, attributes, children }: Element): string => {
  const written = Object.entries(attributes).map(([key, value]) => ` ${key}="${safe(value)}"`)
  const inner = children.map(child => (typeof child === 'string' ? safe(child) : writeXml(child)))
  return inner.length === 0
    ? `<${name}${written.join('')}/>`
    : `<${name}${written.join('')}>${inner.join('')}</${name}>`
}
const safe = (text: string): string => {
  if (!isWritable(text)) throw new XmlError('a control character cannot be written in XML')
  return escaped(text)
}

const depthMax = 100
const token =
  /<!--[\s\S]*?-->|<\?[\s\S]*?\?>|<!\[CDATA\[([\s\S]*?)\]\]>|<\/([^\s>]+)\s*>|<([^\s/>!?]+)([^<>]*?)(\/?)>|([^<]+)/gy
const attribute = /\s+([^\s=]+)\s*=\s*(?:"([^"]*)"|'([^']*)')/gy

const attributesOf = (text: string): Record<string, string> => {
  const found: Record<string, string> = Object.create(null) as Record<string, string>
  let at = 0
  for (const [whole, key = '', double, single] of text.matchAll(attribute)) {
    found[key] = unescaped(double ?? single ?? '')
    at += whole.length
  }
  if (text.slice(at).trim() !== '') throw new XmlError(`attributes that cannot be read: ${text.slice(at, at + 40)}`)
  return found
}

type Open = { name: string; attributes: Record<string, string>; children: (Element | string)[] }

/** The one element of a document, without a DTD: what libvirt writes. Throws XmlError. */
export const parseXml = (text: string): Element => {
  const root: Open = { name: '', attributes: {}, children: [] }
  const open: Open[] = [root]
  let at = 0
  for (const [whole, cdata, closing, opening, attributes = '', alone, plain] of text.matchAll(token)) {
    at += whole.length
    const inside = open.at(-1) as Open
    if (cdata !== undefined) inside.children.push(cdata)
    else if (plain !== undefined) inside.children.push(unescaped(plain))
    else if (opening !== undefined) {
      const made: Open = { name: opening, attributes: attributesOf(attributes), children: [] }
      inside.children.push(made)
      if (alone === '') open.push(made)
      if (open.length > depthMax) throw new XmlError(`more than ${depthMax} elements in each other`)
    } else if (closing !== undefined) {
      if (open.length === 1 || closing !== inside.name) throw new XmlError(`</${closing}> closes <${inside.name}>`)
      open.pop()
    }
  }
  const [only, ...more] = root.children.filter(child => typeof child !== 'string')
  if (at !== text.length) throw new XmlError(`not XML at ${at}: ${text.slice(at, at + 40)}`)
  if (open.length > 1) throw new XmlError(`<${open.at(-1)?.name}> is not closed`)
  if (only === undefined || more.length > 0) throw new XmlError('one element is wanted')
  return only
}

/** The elements of that path of names inside; `*` is any name. */
export const find = (from: Element, ...path: readonly string[]): readonly Element[] =>
  path.reduce<readonly Element[]>(
    (found, name) =>
      found.flatMap(one =>
        one.children.filter(
          (child): child is Element => typeof child !== 'string' && (name === '*' || child.name === name),
        ),
      ),
    [from],
  )

/** The text in an element, all of it. */
export const textOf = (from: Element): string =>
  from.children.map(child => (typeof child === 'string' ? child : textOf(child))).join('')
