import { operation, Type } from '@re-ops/pipelines'

const dayMs = 86_400_000

/** `npx reops run examples/certificate.ts path=/etc/ssl/certs/site.pem --on '*'`: edit, save, run again. */
export const certificateExpiry = operation({
  name: 'certificate.expiry',
  doc: 'Days until the certificate in a PEM file expires.',
  input: Type.Object({ path: Type.String({ examples: ['/etc/ssl/certs/site.pem'] }) }),
  output: Type.Object({ days: Type.Number() }),
  reads: true,
  shell: {
    command: ({ path }) => ['openssl', 'x509', '-enddate', '-noout', '-in', path],
    parse: ({ stdout }) => ({ days: daysUntil(stdout.trim().replace('notAfter=', '')) }),
  },
  summary: { days: ['min', 'histogram'] },
})

const daysUntil = (date: string): number => Math.floor((Date.parse(date) - Date.now()) / dayMs)
