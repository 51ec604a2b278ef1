import { mkdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { agentProgram } from '../../bundle/agent-program.ts'
import { build, type Image } from './build.ts'
import { fast } from './fast.ts'
import { debian } from './debian.ts'
import { ImageError } from './fault.ts'
import { fetchImage, givenImage, type PlainImage } from './given.ts'
import { whyNoImages } from './needs.ts'

export type ImageWish = {
  /** `fast`, `debian`, a path, or an http(s) URL. */
  readonly what: string
  readonly name?: string
  readonly out?: string
  readonly folder: string
  readonly cache: string
  readonly sha256?: string
}
const recipes = { fast, debian }
const isRecipe = (what: string): what is keyof typeof recipes => Object.hasOwn(recipes, what)
const nameForm = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,62}$/

/** An image as an account's `images` setting takes it: name -> entry. Throws ImageError. */
export const makeImage = async (
  wish: ImageWish & { readonly onLine: (line: string) => void },
): Promise<Readonly<Record<string, Image | PlainImage>>> => {
  const { what, name = basename(what).replace(/\.(qcow2|img|raw)$/, '') } = wish
  if (!nameForm.test(name))
    throw new ImageError(`name is ${name}; allowed: letters, digits, . _ - (63 at most); --name gives another`)
  if (/^https?:\/\//.test(what)) return { [name]: await fetchImage(wish) }
  if (!isRecipe(what)) return { [name]: await givenImage(what) }
  const missing = whyNoImages(what === 'debian')
  if (missing !== null) throw new ImageError(missing)
  await mkdir(wish.cache, { recursive: true })
  const recipe = recipes[what]({ node: process.execPath, agent: dirname(await agentProgram()) })
  return { [name]: await build(recipe, wish) }
}
