/** What a check says: `findings` is empty when all is well; `skipped` says why it could not look. */
export type Verdict = { readonly findings: readonly string[]; readonly skipped?: string }
export type Check = { readonly name: string; readonly doc: string; run(root: string): Promise<Verdict> }
