import type { Family } from '../example.ts'

/** Commits at fixed times have the same ids in every run. */
const setUp = `export GIT_AUTHOR_NAME=t GIT_AUTHOR_EMAIL=t@example.org GIT_COMMITTER_NAME=t GIT_COMMITTER_EMAIL=t@example.org
export GIT_AUTHOR_DATE='2026-01-02T03:04:05Z' GIT_COMMITTER_DATE='2026-01-02T03:04:05Z'
rm -rf git; mkdir git; cd git
git init -q -b main source; cd source
echo one >file; git add .; git commit -q -m one; git tag v1
git clone -q file:///scratch/git/source ../old
echo two >file; git commit -q -a -m two`
const source = 'file:///scratch/git/source'

export const git: Family = {
  name: 'git',
  needs: ['git'],
  examples: [
    { operation: 'git.clone', input: { url: source, path: '/scratch/git/clone' }, setUp, gives: { changed: true } },
    { operation: 'git.clone', name: 'at a tag', input: { url: source, path: '/scratch/git/old', ref: 'v1' }, setUp },
    {
      operation: 'git.clone',
      name: 'no such ref',
      input: { url: source, path: '/scratch/git/clone', ref: 'none' },
      setUp,
      fails: { kind: 'exit' },
    },
    {
      operation: 'git.clone',
      name: 'no such repository',
      input: { url: 'file:///none', path: '/scratch/git/clone' },
      setUp,
      fails: { kind: 'exit', code: 128 },
    },
    { operation: 'git.pull', input: { path: '/scratch/git/old' }, setUp, gives: { changed: true } },
    {
      operation: 'git.pull',
      name: 'not a clone',
      input: { path: '/scratch' },
      setUp,
      fails: { kind: 'exit', code: 128 },
    },
    {
      operation: 'git.status',
      input: { path: '/scratch/git/old' },
      setUp: `${setUp}\necho by hand >../old/file`,
      gives: { clean: false },
    },
    { operation: 'git.status', name: 'not a clone', input: { path: '/scratch' }, fails: { kind: 'exit', code: 128 } },
  ],
}
