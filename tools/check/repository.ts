import { existsSync, globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { runIn } from './command.ts'
import type { Repository, Workspace } from './boundaries.ts'

type Manifest = {
  name: string
  workspaces?: string[]
  dependencies?: Record<string, string>
  devDependencies?: Record<string, string>
}
const manifestOf = (folder: string): Manifest =>
  JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Manifest

/** Files under version control and new ones that are not ignored; outside git, every file that is not installed or built. */
export const filesOf = async (root: string): Promise<string[]> => {
  const { code, output } = await runIn(root, ['git', 'ls-files', '-z', '--cached', '--others', '--exclude-standard'])
  const all =
    code === 0
      ? output.split('\0')
      : globSync('**/*', { cwd: root, exclude: name => ['node_modules', '.git', 'dist', '.reops'].includes(name) })
  return all.filter(path => path !== '' && existsSync(join(root, path))).toSorted()
}

/** The checkout as the boundary check reads it. */
export const readRepository = async (root: string): Promise<Repository> => {
  const { workspaces = [], devDependencies = {} } = manifestOf(root)
  const folders = globSync(workspaces, { cwd: root }).filter(folder => existsSync(join(root, folder, 'package.json')))
  const sources = (await filesOf(root)).filter(path => /\.(ts|mjs|cjs|js)$/.test(path))
  return {
    workspaces: folders.map((folder): Workspace => {
      const manifest = manifestOf(join(root, folder))
      return {
        folder,
        name: manifest.name,
        dependencies: Object.keys(manifest.dependencies ?? {}),
        devDependencies: Object.keys(manifest.devDependencies ?? {}),
      }
    }),
    rootDevDependencies: Object.keys(devDependencies),
    sources: sources.map(path => ({ path, text: readFileSync(join(root, path), 'utf8') })),
  }
}
