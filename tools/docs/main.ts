import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { format } from 'prettier'
import { pages } from './pages.ts'

/**
 * Documents made from the schemas. `--write` writes them; `--check` exits 1 and names each that is not what would be written.
 */
const root = join(import.meta.dirname, '..', '..')

const present = async (path: string): Promise<string | null> => {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null
    throw error
  }
}

const main = async (mode: string | undefined): Promise<number> => {
  if (mode !== '--write' && mode !== '--check') {
    console.error(`docs: ${mode ?? 'no argument'}; allowed are --write and --check`)
    return 2
  }
  let stale = 0
  for (const page of pages) {
    const path = join(root, page.path)
    const text = page.path.endsWith('.md') ? await format(await page.make(), { parser: 'markdown' }) : await page.make()
    if ((await present(path)) === text) continue
    if (mode === '--check') {
      stale += 1
      console.error(`${page.path} is not what the schemas say; run: npm run docs`)
      continue
    }
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    console.log(`wrote ${page.path}`)
  }
  return stale > 0 ? 1 : 0
}

process.exitCode = await main(process.argv[2])
