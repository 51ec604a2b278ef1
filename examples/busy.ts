import { load, processList } from '@re-ops/operations'
import { pick, pipeline } from '@re-ops/pipelines'

/** `npx reops run examples/busy.ts --on '*'`: hosts with more work than cores, and what they work on. The others end `skipped`. */
export default pipeline(
  load(),
  pick(result => result.value.one > result.value.cores),
  processList({ top: 3 }),
)
