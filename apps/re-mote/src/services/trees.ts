/** The contents that a list of entries names: its lines `f <mode> <hash> <size> <path>`. */
export const treeHashes = (list: Buffer): ReadonlySet<string> =>
  new Set(
    list
      .toString('utf8')
      .split('\n')
      .flatMap(line => /^f [0-7]{4} ([0-9a-f]{64}) /.exec(line)?.[1] ?? []),
  )
