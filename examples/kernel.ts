import { operation, Type } from '@re-ops/pipelines'

/** `npx reops run examples/kernel.ts --on '*'`: edit, save, run again. */
export const kernel = operation({
  name: 'my.kernel',
  doc: 'The release of the kernel.',
  input: Type.Object({}),
  output: Type.Object({ release: Type.String() }),
  reads: true,
  shell: { command: () => ['uname', '-r'], parse: ({ stdout }) => ({ release: stdout.trim() }) },
})
