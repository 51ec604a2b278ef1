import type { Addressed, ServiceSays } from '../broker/port.ts'

/** Calls of the same shape (the same value, not an equal one) that stand side by side become one item, which says the shape once. */
export const together = (batch: readonly ServiceSays[]): readonly ServiceSays[] => {
  const items: ServiceSays[] = []
  let last: { readonly shape: unknown; readonly to: Addressed[] } | undefined
  for (const item of batch) {
    if (item.kind !== 'calls') last = undefined
    else if (last?.shape === item.shape) {
      last.to.push(...item.to)
      continue
    } else {
      const to = [...item.to]
      last = { shape: item.shape, to }
      items.push({ ...item, to })
      continue
    }
    items.push(item)
  }
  return items
}
