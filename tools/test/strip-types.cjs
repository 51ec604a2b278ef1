// Jest transformer: Node's own type stripping, so tests run the very text that production runs (positions are kept).
const { stripTypeScriptTypes } = require('node:module')
const { createHash } = require('node:crypto')

module.exports = {
  process: source => ({ code: stripTypeScriptTypes(source, { mode: 'strip' }) }),
  getCacheKey: (source, path) => createHash('sha256').update(process.version).update(path).update(source).digest('hex'),
}
