// Owns the command `demo`: hands over to the demonstration.

/** Runs the demonstration; 0 only if all of it was as it should be. */
export async function demo(): Promise<number> {
  const { demoCommand } = await import('../demo/index.ts')
  return demoCommand()
}
