import { HttpProblem } from '@re-ops/service'
import type { SystemRow } from '../store/row.ts'
import type { Sql } from '../store/sql.ts'
import { claimSystem, systemById, systemByName } from '../store/systems.ts'

export const isId = (text: string): boolean => /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/.test(text)

/** The system of that id or name, or HttpProblem 404. */
export const findSystem = async (sql: Sql, idOrName: string): Promise<SystemRow> => {
  const row = (isId(idOrName) ? await systemById(sql, idOrName) : null) ?? (await systemByName(sql, idOrName))
  if (row !== null) return row
  throw new HttpProblem(
    404,
    'no-such-system',
    'No such system',
    `no system has the id or name ${idOrName}; GET /v1/systems lists them`,
  )
}

/** Taken for a change: attempts under way write nothing more into it. Throws HttpProblem 404, 409 when it is gone. */
export const claimLiving = async (sql: Sql, idOrName: string): Promise<SystemRow> => {
  const row = await claimSystem(sql, (await findSystem(sql, idOrName)).id)
  if (row === null) throw new HttpProblem(404, 'no-such-system', 'No such system', `${idOrName} was just forgotten`)
  if (row.phase === 'gone' || row.desired === 'absent')
    throw new HttpProblem(
      409,
      'gone',
      'The system is gone',
      row.phase === 'gone' ? `${row.name} was destroyed; create a new one` : `${row.name} is being destroyed`,
    )
  return row
}
