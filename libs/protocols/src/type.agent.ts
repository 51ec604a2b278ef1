/**
 * What the bundle of the agent takes for the `Type` of typebox: the functions that its schemas are made with, giving the
 * same JSON Schema. typebox's own carry a whole type language, and building some hundred schemas with them at start is
 * hot enough to wake the optimising compiler: together 5 MB of every host. An agent that uses a function that is not here
 * does not start, and the bundling of it fails; tools/bundle tests that the schemas are those of typebox.
 */
type Schema = Readonly<Record<string, unknown>>
type Options = Readonly<Record<string, unknown>>

const optional = '~optional'
const isOptional = (schema: Schema): boolean => Object.hasOwn(schema, optional)

const object = (properties: Readonly<Record<string, Schema>>, options?: Options): Schema => {
  const required = Object.keys(properties).filter(name => !isOptional(properties[name] as Schema))
  return { type: 'object', ...(required.length > 0 ? { required } : {}), properties, ...options }
}
/** Marked out of sight, as typebox does: in JSON only the `required` of the object around it tells. */
const markOptional = (schema: Schema): Schema => Object.defineProperty({ ...schema }, optional, { value: true })

const ofType =
  (type: string) =>
  (options?: Options): Schema => ({ type, ...options })

export const Type = {
  Object: object,
  Optional: markOptional,
  Array: (items: Schema, options?: Options): Schema => ({ type: 'array', items, ...options }),
  String: ofType('string'),
  Number: ofType('number'),
  Integer: ofType('integer'),
  Boolean: ofType('boolean'),
  Null: ofType('null'),
  Unknown: (options?: Options): Schema => ({ ...options }),
  Literal: (value: string | number | boolean, options?: Options): Schema => ({
    type: typeof value,
    const: value,
    ...options,
  }),
  Enum: (values: readonly (string | number)[], options?: Options): Schema => ({ enum: values, ...options }),
  Union: (anyOf: readonly Schema[], options?: Options): Schema => ({ anyOf, ...options }),
  Record: (key: Schema, value: Schema, options?: Options): Schema => ({
    type: 'object',
    patternProperties: { [(key['pattern'] as string | undefined) ?? '^.*$']: value },
    ...options,
  }),
  Unsafe: (schema: Schema): Schema => ({ ...schema }),
}
