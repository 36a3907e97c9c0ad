// Owns the command `far-end`: hands over to the far ends of the testkit.

/** Runs a far end until it is stopped; `args` begin with its kind. */
export async function farEnd(args: string[]): Promise<number> {
  const { farEndCommand } = await import('../testkit/index.ts')
  return farEndCommand(args)
}
