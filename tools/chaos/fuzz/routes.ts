/** One operation of an HTTP API, as its OpenAPI tells it. */
export type Route = {
  readonly to: 'mote' | 'core'
  readonly method: string
  readonly path: string
  readonly query: readonly string[]
  readonly body: unknown
}
type Described = {
  readonly parameters?: readonly { readonly in: string; readonly name: string }[]
  readonly requestBody?: { readonly content?: Readonly<Record<string, { readonly schema?: Schema }>> }
}
type Schema = {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly items?: Schema
  readonly anyOf?: readonly Schema[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly default?: unknown
  readonly minimum?: number
  readonly pattern?: string
}

/** A value of about the right shape. */
const sampleOf = (schema: Schema | undefined, depth = 0): unknown => {
  if (!schema || depth > 6) return {}
  if (schema.const !== undefined) return schema.const
  if (schema.default !== undefined) return schema.default
  if (schema.enum) return schema.enum[0]
  if (schema.anyOf) return sampleOf(schema.anyOf[0], depth + 1)
  switch (schema.type) {
    case 'object':
      return Object.fromEntries(
        Object.entries(schema.properties ?? {}).map(([name, one]) => [name, sampleOf(one, depth + 1)]),
      )
    case 'array':
      return [sampleOf(schema.items, depth + 1)]
    case 'integer':
    case 'number':
      return schema.minimum ?? 1
    case 'boolean':
      return true
    default:
      return schema.pattern?.includes('[0-9a-f]') ? '0193f2a4-8f00-7000-8000-00000000000a' : 'a'
  }
}

/**
 * Bodies that are wrong from the beginning. A right one of these does by design what the fuzz takes for harm: a new server key ends every
 * connection that was made to the old one, those of the attackers too.
 */
const wrong: Readonly<Record<string, unknown>> = { 'POST /v1/keys/rotate': { kind: 'neither' } }

/** Every route of a service with its query parameters and a sample body. */
export const routesOf = async (to: Route['to'], url: string): Promise<Route[]> => {
  const { paths } = (await (await fetch(`${url}/v1/openapi.json`)).json()) as {
    paths: Readonly<Record<string, Readonly<Record<string, Described>>>>
  }
  const described = Object.entries(paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, { parameters = [], requestBody }]): Route => {
      const query = parameters.flatMap(one => (one.in === 'query' ? [one.name] : []))
      const schema = requestBody?.content?.['application/json']?.schema
      const key = `${method.toUpperCase()} ${path}`
      const body = wrong[key] ?? (schema ? sampleOf(schema) : undefined)
      return { to, method: method.toUpperCase(), path, query, body }
    }),
  )
  const plain = ['/health', '/ready', '/metrics', '/docs', '/v1/openapi.json', '/'].map((path): Route => ({
    to,
    method: 'GET',
    path,
    query: [],
    body: undefined,
  }))
  return [...described, ...plain]
}
