const style = `
body { font: 15px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; color-scheme: light dark }
summary { cursor: pointer; padding: .3rem 0 } summary b { display: inline-block; width: 4.5rem }
details { border-top: 1px solid #8884 } details > div { padding: 0 0 1rem 1rem }
pre, textarea, input { font: 13px/1.4 ui-monospace, monospace; width: 100%; box-sizing: border-box }
pre { background: #8882; padding: .6rem; overflow: auto; max-height: 30rem } small { opacity: .7 } textarea { height: 7rem }`

/** Runs in the browser. Texts are set as text, never as HTML, so nothing of the document can become script. */
const script = `
const make = (tag, text, ...inside) => { const e = document.createElement(tag); if (text) e.textContent = text; e.append(...inside); return e }
const field = (tag, hint) => { const e = make(tag); e.placeholder = hint; return e }
const example = s => !s ? undefined : s.examples ? s.examples[0] : s.default !== undefined ? s.default : s.const !== undefined ? s.const
  : s.enum ? s.enum[0] : s.anyOf ? example(s.anyOf[0]) : s.type === 'array' ? [example(s.items)].filter(x => x !== undefined)
  : s.type === 'object' ? Object.fromEntries(Object.entries(s.properties || {}).filter(([k]) => (s.required || []).includes(k)).map(([k, v]) => [k, example(v)]))
  : s.type === 'string' ? '' : s.type === 'boolean' ? false : s.type ? 0 : null
const token = document.getElementById('token')
const operation = (path, method, o) => {
  const box = make('div')
  const schema = o.requestBody && o.requestBody.content['application/json'].schema
  const inputs = (o.parameters || []).map(p => { const i = field('input', p.name + ' (' + p.in + (p.required ? ', required' : '') + ') ' + (p.description || p.schema.description || '')); box.append(i); return [p, i] })
  const body = schema && field('textarea', 'body')
  if (body) { body.value = JSON.stringify(example(schema), null, 2); box.append(body, make('details', '', make('summary', 'schema of the body'), make('pre', JSON.stringify(schema, null, 2)))) }
  for (const [status, r] of Object.entries(o.responses || {})) if (r.content) box.append(make('details', '', make('summary', 'answer ' + status), make('pre', JSON.stringify(r.content, null, 2))))
  const send = make('button', 'send'), out = make('pre')
  send.onclick = async () => {
    let url = path; const query = new URLSearchParams(), headers = {}
    for (const [p, i] of inputs) if (i.value) { if (p.in === 'path') url = url.replace('{' + p.name + '}', encodeURIComponent(i.value)); else if (p.in === 'query') query.set(p.name, i.value); else headers[p.name] = i.value }
    if (token.value) headers.authorization = 'Bearer ' + token.value
    if (body) headers['content-type'] = 'application/json'
    out.textContent = '...'
    try {
      const r = await fetch(url + (query.size ? '?' + query : ''), { method: method.toUpperCase(), headers, body: body ? body.value : undefined })
      out.textContent = r.status + ' ' + (r.headers.get('x-request-id') || '') + '\\n'
      const reader = r.body.pipeThrough(new TextDecoderStream()).getReader()
      for (let part = await reader.read(); !part.done; part = await reader.read()) out.textContent += part.value
    } catch (error) { out.textContent = String(error) }
  }
  box.append(send, out)
  const scopes = (o.security || []).flatMap(s => Object.values(s).flat()).join(', ')
  return make('details', '', make('summary', '', make('b', method.toUpperCase()), path + ' ', make('small', (o.summary || o.description || '') + (scopes ? ' [' + scopes + ']' : ' [public]'))), box)
}
fetch('/v1/openapi.json').then(r => r.json()).then(spec => {
  for (const [path, methods] of Object.entries(spec.paths)) for (const [method, o] of Object.entries(methods)) document.body.append(operation(path, method, o))
})`

/** One page that shows the OpenAPI document and sends requests. `name` is ours (letters and dashes). */
export const docsPage = (name: string): string => `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>${name}</title><style>${style}</style>
<h1>${name}</h1>
<p>What this service does over HTTP, from the schemas that check it: <a href="/v1/openapi.json">/v1/openapi.json</a>.
Also <a href="/health">/health</a>, <a href="/ready">/ready</a>, <a href="/metrics">/metrics</a>.</p>
<p><input id="token" type="password" placeholder="API token (reops token), needed for all that is not public" autocomplete="off"></p>
<script>${script}</script></html>`
