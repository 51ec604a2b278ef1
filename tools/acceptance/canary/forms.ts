const inBase64 = (secret: string): string[] =>
  [0, 1, 2].map(offset => {
    const text = Buffer.from(`${' '.repeat(offset)}${secret}`)
      .toString('base64')
      .replaceAll('=', '')
    // What stands before it and behind it changes the ends.
    return text.slice(Math.ceil((offset * 4) / 3), -1)
  })

/** How a secret may look where somebody wrote it down: as it is, in base64 at any place of a text, in hex, in a URL, in JSON, in quotes of a shell. */
export const formsOf = (secret: string): string[] => {
  const base64 = inBase64(secret)
  const urlSafe = base64.map(one => one.replaceAll('+', '-').replaceAll('/', '_'))
  const hex = Buffer.from(secret).toString('hex')
  const quoted = secret.replaceAll("'", String.raw`'\''`)
  const all = [secret, quoted, ...base64, ...urlSafe, hex, hex.toUpperCase(), encodeURIComponent(secret)]
  const inJson = [secret, quoted].map(one => JSON.stringify(one).slice(1, -1))
  return [...new Set([...all, ...inJson])]
}

/** Which secrets stand in the text, and in which form; never the secrets themselves. */
export const findIn = (text: string, secrets: Readonly<Record<string, string>>): string[] =>
  Object.entries(secrets).flatMap(([name, secret]) =>
    formsOf(secret).flatMap((form, n) => {
      const at = text.indexOf(form)
      return at < 0 ? [] : [`${name} (form ${n}) after ${JSON.stringify(text.slice(Math.max(0, at - 80), at))}`]
    }),
  )
