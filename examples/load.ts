import { makeClient } from '@re-ops/client'
import { load, ping } from '@re-ops/operations'
import { encodeStep, pipeline, retry } from '@re-ops/pipelines'

// One typed pipeline on every host: reach it (twice, if need be), then read its load. Failures keep their reason.
const { REOPS_MOTE_URL: moteUrl = 'http://127.0.0.1:7020', REOPS_TOKEN: token = '' } = process.env
const { mote } = makeClient({ moteUrl, token })
const step = pipeline(retry(ping(), { times: 1 }), load())
const run = await mote.createRun({ on: '*', pipeline: encodeStep(step) }, { waitMs: 10_000 })
for (const { host, state, value, failure } of run.targets ?? [])
  console.log(host.name, state, value ?? failure?.message)
console.log(run.summary)
