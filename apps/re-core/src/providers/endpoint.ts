/** Of an API, in settings that whoever may read accounts is shown: no user, password or query in it. */
export const endpointPattern = '^https?://[^/@?#\\s]+(/[^@?#\\s]*)?$'
