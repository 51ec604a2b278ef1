import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from '@jest/globals'
import { lockFolder } from './folder-lock.ts'

test('a folder has one supervisor: the second is told who the first is, and may come when it has gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'reops-lock-'))
  try {
    const first = await lockFolder(folder)
    await expect(lockFolder(folder)).rejects.toThrow(`in use by another supervisor (pid ${process.pid})`)
    first.release()
    const second = await lockFolder(folder)
    second.release()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})
