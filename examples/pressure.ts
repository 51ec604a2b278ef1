import { ping } from '@re-ops/operations'
import { operation, pipeline, retry, Type } from '@re-ops/pipelines'

/** `npx reops run examples/pressure.ts --on '*'`: what is here of one's own and what the catalogue has, in one pipeline. */
export const stalled = operation({
  name: 'my.stalled',
  doc: 'Share of the last ten seconds in which some work waited for memory.',
  input: Type.Object({}),
  output: Type.Object({ percent: Type.Number() }),
  reads: true,
  shell: {
    script: () => 'cat /proc/pressure/memory 2>/dev/null || true',
    parse: ({ stdout }) => ({ percent: Number(/^some avg10=([\d.]+)/m.exec(stdout)?.[1] ?? 0) }),
  },
})

// Each host goes through it by itself; one that cannot be reached is tried once more.
export default pipeline(retry(ping(), { times: 1 }), stalled())
