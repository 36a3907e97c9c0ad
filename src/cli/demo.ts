// Owns the command `demo`: hands over to the demonstration.

/** Runs the demonstration; 0 only if all of it was as it should be. */
export async function demo(args: string[]): Promise<number> {
  const door = '../demo/index.ts'
  const { demoCommand } = (await import(door)) as { demoCommand(args: string[]): Promise<number> }
  return demoCommand(args)
}
