import { examples, type Kit } from './kit.ts'

/** `reops run`. */
export const addRun = ({ program, parts, context, done, add, selecting }: Kit): void => {
  selecting(add(program, 'run', 'run an operation, or a command, on hosts'), 'hosts')
    .usage(
      '<operation> [key=value ...] [key:=json ...] --on <selector>\n       reops run --on <selector> [options] -- <command...>',
    )
    .argument('[operation]', 'see `reops operations`; or a file that exports one: ops.ts, ops.ts#name')
    .argument('[input...]', 'key=value, typed by the schema of the operation (lists with commas); key:=json as it is')
    .option('--timeout <duration>', 'of each call, for example 10s')
    .option(
      '--wait-online <duration>',
      'wait so long for hosts that are offline; without it they are unreachable at once',
    )
    .option(
      '--summary [fields]',
      "results taken together: the operation's own summary, or field:function,...;field:...",
    )
    .option('--group-by <field>', 'taken together in groups, by the value of a field')
    .option('--canary <hosts>', 'a number or share (5%) of hosts first; the others only when these end well')
    .option('--batch <hosts>', 'a number or share of hosts at a time; as one ends the next begins')
    .option('--serial <hosts>', 'in batches of a number or share of hosts, each after the last has ended')
    .option('--batch-wait <duration>', 'how long a host keeps its place after its end; a pause between batches')
    .option('--concurrency <n>', 'hosts at work at a time, at most')
    .option('--max-failures <hosts>', 'a number or share of hosts that may fail; with more no other begins')
    .option('--cancel-running', 'when too many fail, cancel hosts at work as well')
    .option('--deadline <duration>', 'of the whole run: then who has not begun is skipped, the others are cancelled')
    .option('--dry-run', 'only say what would change; operations that cannot are not asked')
    .option('--detach', 'do not wait; prints the id of the run')
    .action((operation: string | undefined, input: string[], options: object) =>
      done(
        import('../commands/run.ts').then(m =>
          m.run(context, operation === undefined ? [] : [operation, ...input], parts.command, options),
        ),
      ),
    )
    .addHelpText(
      'after',
      `${examples(
        "reops run uptime --on '*'",
        "reops run process.list top=3 by=memory --on 'role=web'",
        "reops run examples/certificate.ts path=/etc/ssl/certs/site.pem --on 'role=web'",
        'reops run shell argv:=\'["df","-h"]\' timeoutMs=5000 --on \'web-*\'',
        "reops run --on 'web-[1-3] or db-1' --timeout 10s -- systemctl is-active nginx",
        "reops run facts --on '*' --json | jq -r 'select(.ok) | .host'",
        "reops run memory --on '*' --summary 'used:mean,p95,top3' --wait-online 30s",
        "reops run facts --on '*' --group-by os.pretty",
        "reops run package.upgrade names=openssl --on 'role=web' --canary 5% --batch 20 --max-failures 2%",
        "reops run service.restart name=nginx --on 'role=web' --serial 10 --batch-wait 30s --deadline 1h",
        "reops run package.upgrade names=openssl --on 'role=web' --dry-run",
      )}
Selectors: * · name · web-* · web[1-9] · key=value · fact:os=debian · != · in (a, b) · and · or · not · ( ) · @saved
Summaries: count sum min max mean p50 p95 p99.9 histogram buckets buckets(1,10) top5 bottom5, of fields such as mounts.used
Ctrl-C cancels the run and shows what ended how; a second one leaves at once.
`,
    )
}
