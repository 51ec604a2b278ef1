import { parseDocument } from 'yaml'
import { InventoryError } from './entry.ts'

/** What a YAML text holds. With `texts` every scalar is the text that stands there: of labels, `1.10` is not 1.1 and `yes` not true. */
export const yamlContent = (text: string, file: string, { texts = false } = {}): unknown => {
  const document = parseDocument(text, { ...(texts ? { schema: 'failsafe', merge: true } : {}), logLevel: 'error' })
  const [error] = document.errors
  if (error) throw new InventoryError(`${file}: ${error.message.split('\n')[0]}`)
  try {
    return document.toJS({ maxAliasCount: 100 })
  } catch (error) {
    // An alias without its anchor, or too many of them.
    if (error instanceof ReferenceError) throw new InventoryError(`${file}: ${error.message}`)
    throw error
  }
}
